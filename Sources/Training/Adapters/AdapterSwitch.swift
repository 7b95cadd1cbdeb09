package import Kernels
import Quantities

/// Several adapters of one size over one base: one at a time is put on a step, or becomes part of the base.
package final class AdapterSwitch {
  private let step: TrainingStep
  private let gemm: Gemm
  /// By name: numbers of each trained parameter, in their order.
  private var kept: [String: [[Float]]] = [:]
  package private(set) var active: String
  package private(set) var isMerged = false

  /// - Parameter name: of the adapter that the step has.
  /// - Throws: `LedgerFault` where the workspace does not fit.
  package init(
    _ step: TrainingStep, _ name: String, instructions: InstructionSet, _ execution: Execution
  ) throws {
    self.step = step
    active = name
    let shapes = step.loras.map { Gemm.Shape(n: $0.weights.columns, k: $0.lora.a.rows) }
    gemm = try Gemm(
      shapes.isEmpty ? [Gemm.Shape(n: 1, k: 1)] : shapes, instructions: instructions, execution)
  }

  private var trained: [Parameter] { step.parameters.filter(\.isTrained) }

  /// Adds an adapter, which is not put on yet.
  package func add(_ name: String, _ weights: any AdapterWeights) {
    kept[name] = trained.map { one in
      var numbers = [Float](repeating: 0, count: one.count)
      numbers.withUnsafeMutableBufferPointer { buffer in
        guard let start = buffer.baseAddress else { return }
        weights.fill(one.name, .down, rows: one.rows, columns: one.columns, into: start)
      }
      return numbers
    }
  }

  /// Puts an adapter on in place of the one that is; that one stays as it has become.
  ///
  /// - Returns: false where there is none of that name; nothing was changed then.
  package func activate(_ name: String) -> Bool {
    guard name != active else { return true }
    guard let next = kept[name] else { return false }
    let wasMerged = isMerged
    if wasMerged { unmerge() }
    kept[active] = trained.map { Array(UnsafeBufferPointer(start: $0.floats, count: $0.count)) }
    for (parameter, numbers) in zip(trained, next) {
      for (index, number) in numbers.enumerated() { parameter.floats[index] = number }
    }
    kept[name] = nil
    active = name
    if wasMerged { merge() }
    return true
  }

  /// Adds LoRA's products to the base, so that they cost nothing.
  package func merge() {
    guard !isMerged else { return }
    add(sign: 1)
    isMerged = true
  }

  /// Takes them away again: within a rounding of what the base was.
  package func unmerge() {
    guard isMerged else { return }
    add(sign: -1)
    isMerged = false
  }

  /// w += sign · scale · b · a.
  private func add(sign: Float) {
    for (weights, lora) in step.loras {
      precondition(weights.format.elementType == .fp32, "what is merged into is in fp32")
      let (rank, columns) = (lora.a.rows, weights.columns)
      let scaled = (0..<lora.b.count).map { sign * lora.scale * lora.b.floats[$0] }
      scaled.withUnsafeBufferPointer { b in
        guard let start = b.baseAddress else { return }
        gemm.multiply(
          Gemm.Matrix(start, stride: rank), rows: weights.rows, k: rank,
          Gemm.Output(
            Gemm.Matrix(lora.a.floats, stride: columns, isTransposed: true), n: columns,
            to: weights.floats, accumulates: true))
      }
    }
  }
}
