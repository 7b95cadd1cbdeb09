package import Quantities

/// Weights in fp32 to a format.
///
/// - Shapes: `values` is n × k, row-major, fp32; `weights` n × k as the format has it, seen as bytes.
/// - Work: a product for each weight at the least; reads 4 bytes for each, writes the format's.
/// - Error: none: every variant stores the same bytes.
package enum Quantize: Workload {
  package struct Operands: OperandSet {
    package let values: Tensor
    package let weights: Tensor

    package var operands: [Operand] {
      [Operand("values", values, .input), Operand("weights", weights, .output)]
    }
  }

  package static let name = "quantize"
  package static let about = "weights n × k in fp32 to a format"
  package static let smallest = Dequantize.smallest
  package static let defaults = Dequantize.defaults

  package static func validate(_ problem: Dequantize.Problem) throws {
    guard FloatFormat(rawValue: problem.format.rawValue) == nil else {
      throw ProblemFault(
        axis: "format", what: "\(problem.format.rawValue) is a plain number format",
        fix: "use a format of fewer bits")
    }
    try Dequantize.validate(problem)
  }

  package static func work(of problem: Dequantize.Problem) -> Work {
    let back = Dequantize.work(of: problem)
    return Work(
      flops: back.flops, bytesRead: back.bytesWritten, bytesWritten: back.bytesRead, format: .fp32)
  }

  package static func operands(
    for problem: Dequantize.Problem, seed: UInt64, in ledger: MemoryLedger
  ) throws -> Operands {
    let values = try ledger.tensor(.fp32, [problem.n, problem.k], .activations)
    WeightSource(columns: problem.k, seed: seed).fillPlain(values, rows: problem.n)
    let bytes = problem.weightFormat.bytes(rows: problem.n, columns: problem.k)
    return Operands(
      values: values,
      weights: Tensor(.int8, [bytes.count], try ledger.allocate(bytes, role: .weights)))
  }

  package static var variants: [Variant<Quantize>] {
    [variant("reference", .reference), variant("portable", .own)]
  }

  private static func variant(_ name: String, _ kind: VariantKind) -> Variant<Quantize> {
    Variant(name: name, kind: kind) { problem, operands, _ in RowsKernel(problem, operands) }
  }

  /// On one thread, whatever the pool: formats that quantize their own scales go through a matrix
  /// twice, and preparing weights is done once.
  private final class RowsKernel: Kernel {
    private let problem: Dequantize.Problem
    private let operands: Operands

    init(_ problem: Dequantize.Problem, _ operands: Operands) {
      self.problem = problem
      self.operands = operands
    }

    func run() { Quantize.store(problem, operands, at: operands.weights.start) }
  }

  private static func store(
    _ problem: Dequantize.Problem, _ operands: Operands, at start: UnsafeMutableRawPointer
  ) {
    let values = operands.values.pointer(to: Float.self)
    let weights = problem.weightFormat.weights(at: start, rows: problem.n, columns: problem.k)
    do {
      try weights?.quantize { row, buffer in
        buffer.update(from: values + row * problem.k, count: problem.k)
      }
    } catch {
      preconditionFailure("generated weights can be stored: \(error)")
    }
  }

  package static func expectation(
    of problem: Dequantize.Problem, _ operands: Operands, at sample: OutputSample
  ) -> Expectation {
    let count = operands.weights.count
    return withUnsafeTemporaryAllocation(byteCount: count, alignment: 64) { buffer in
      buffer.initializeMemory(as: UInt8.self, repeating: 0)
      if let start = buffer.baseAddress { store(problem, operands, at: start) }
      let values = sample.columns.map { Double(Int8(bitPattern: buffer[$0])) }
      return Expectation(values: values, magnitudes: values.map { abs($0) })
    }
  }

  package static func tolerance(of problem: Dequantize.Problem) -> Tolerance {
    Tolerance(relative: 0, basis: "the same bytes")
  }

  package static func memory(
    of problem: Dequantize.Problem, variant: Variant<Quantize>, threads: Int
  ) -> MemoryPlan {
    let operands: [MemoryRole: Bytes] = [
      .activations: ElementType.fp32.bytes(of: problem.n * problem.k),
      .weights: problem.weightFormat.bytes(rows: problem.n, columns: problem.k),
    ]
    return MemoryPlan([.operands: operands, .preparation: operands, .run: operands])
  }
}
