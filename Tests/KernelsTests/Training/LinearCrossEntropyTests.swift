import Foundation
import Kernels
import Quantities
import Testing

/// The loss with its product, against the formula in fp64.
struct LinearCrossEntropyTests {
  private static let (rows, columns, vocabulary) = (11, 19, 45)
  private static let by: Float = 0.125
  private static let chunks: [LinearCrossEntropy.Chunks] = [
    .whole, .tokens(1), .tokens(4), .tokens(11), .vocabulary(1), .vocabulary(16), .vocabulary(44),
    .vocabulary(1000),
  ]
  /// Every third has none; the first and the last outputs are targets.
  private static let targets = [0, 44, -1, 7, 7, -100, 43, 16, -1, 15, 44]

  private struct Result {
    let loss: Double
    let dx: [Double]
    let dw: [Double]
  }

  private func call(
    _ chunks: LinearCrossEntropy.Chunks, _ instructions: InstructionSet, targets: [Int],
    trains: Bool = true, accumulates: Bool = false, scale: Float = 1
  ) throws -> (found: Result, expected: Result, fences: [String]) {
    let (rows, columns, vocabulary) = (Self.rows, Self.columns, Self.vocabulary)
    let ledger = try MemoryLedger(fence: 256)
    let x = try ledger.drawn([rows, columns], seed: 1)
    for index in 0..<x.count { x.store(scale * x[index], at: index) }
    let w = try ledger.drawn([vocabulary, columns], seed: 2)
    let ids = try ledger.tensor(.fp32, [rows], .activations)
    for (row, target) in targets.enumerated() { ids.pointer(to: Int32.self)[row] = Int32(target) }
    let sizes = LinearCrossEntropy.sizes(rows: rows, vocabulary: vocabulary, chunks)
    let logits = try ledger.tensor(.fp32, [sizes.rows, sizes.outputs], .workspace)
    let sums = try ledger.tensor(.fp32, [3, rows], .workspace)
    let dx = try ledger.tensor(.fp32, [rows, columns], .activations)
    let dw = try ledger.drawn([vocabulary, columns], seed: 5)
    let before = dw.doubles
    for tensor in [logits, sums, dx] { tensor.fillNaN() }
    let execution = Execution(ledger: ledger, pool: try makePool())
    let gemm = try Gemm(
      LinearCrossEntropy.shapes(
        rows: rows, columns: columns, vocabulary: vocabulary, chunks: chunks),
      instructions: instructions, execution)
    let loss = LinearCrossEntropy(
      columns: columns, vocabulary: vocabulary, chunks: chunks, gemm: gemm,
      instructions: instructions, pool: execution.pool
    ).run(
      LinearCrossEntropy.Operands(
        x: x.start, w: Gemm.Matrix(w.start, stride: columns),
        targets: ids.pointer(to: Int32.self), rows: rows, logits: logits.floats,
        rowSums: sums.floats, dx: dx.floats, dw: trains ? dw.floats : nil,
        dwAccumulates: accumulates), by: Self.by)
    var expected = Self.expected(x.doubles, w.doubles, targets)
    let keeps = !trains || accumulates
    expected = Result(
      loss: expected.loss, dx: expected.dx,
      dw: zip(before, expected.dw).map { (keeps ? $0 : 0) + (trains ? $1 : 0) })
    return (Result(loss: loss, dx: dx.doubles, dw: dw.doubles), expected, ledger.brokenFences)
  }

  private static func expected(_ x: [Double], _ w: [Double], _ targets: [Int]) -> Result {
    var loss = 0.0
    var (dx, dw) = (x.map { _ in 0.0 }, w.map { _ in 0.0 })
    for (row, target) in targets.enumerated() where target >= 0 {
      let logits = (0..<vocabulary).map { output in
        (0..<columns).reduce(0) { $0 + x[row * columns + $1] * w[output * columns + $1] }
      }
      let top = logits.max() ?? 0
      let sum = logits.reduce(0) { $0 + exp($1 - top) }
      loss += top + log(sum) - logits[target]
      for output in 0..<vocabulary {
        let slope =
          Double(by) * (exp(logits[output] - top) / sum - (output == target ? 1 : 0))
        for column in 0..<columns {
          dx[row * columns + column] += slope * w[output * columns + column]
          dw[output * columns + column] += slope * x[row * columns + column]
        }
      }
    }
    return Result(loss: loss, dx: dx, dw: dw)
  }

  private func expect(
    _ call: (found: Result, expected: Result, fences: [String])
  ) {
    #expect(abs(call.found.loss - call.expected.loss) <= 2e-6 * call.expected.loss)
    #expect(distance(call.found.dx, from: call.expected.dx) < 3e-6)
    #expect(distance(call.found.dw, from: call.expected.dw) < 3e-6)
    #expect(call.fences == [])
  }

  /// Logits are sums of 19 products; a gradient, of 45 or 11.
  @Test(arguments: chunks, InstructionSet.trained)
  func `rows without a target have no loss and no gradient, and the others the formula's`(
    chunks: LinearCrossEntropy.Chunks, instructions: InstructionSet
  ) throws {
    let call = try call(chunks, instructions, targets: Self.targets)
    expect(call)
    for (row, target) in Self.targets.enumerated() where target < 0 {
      #expect(call.found.dx[row * Self.columns..<(row + 1) * Self.columns].allSatisfy { $0 == 0 })
    }
  }

  @Test(arguments: chunks)
  func `no target at all is no loss`(chunks: LinearCrossEntropy.Chunks) throws {
    let call = try call(chunks, .portable, targets: Array(repeating: -1, count: Self.rows))
    #expect(call.found.loss == 0)
    #expect(call.found.dx.allSatisfy { $0 == 0 } && call.found.dw.allSatisfy { $0 == 0 })
  }

  @Test(arguments: chunks)
  func `gradients of weights are added to what there is, or left out`(
    chunks: LinearCrossEntropy.Chunks
  ) throws {
    expect(try call(chunks, .portable, targets: Self.targets, accumulates: true))
    expect(try call(chunks, .portable, targets: Self.targets, trains: false))
  }

  /// Logits up to some 400, whose exponentials fp32 does not hold; rounding of a logit is 1.5e-5 there.
  @Test(arguments: chunks, InstructionSet.trained)
  func `large logits do not overflow`(
    chunks: LinearCrossEntropy.Chunks, instructions: InstructionSet
  ) throws {
    let call = try call(chunks, instructions, targets: Self.targets, scale: 100)
    #expect(abs(call.found.loss - call.expected.loss) <= 1e-5 * call.expected.loss)
    #expect(distance(call.found.dx, from: call.expected.dx) < 3e-4)
  }
}
