import CMicrokernels
package import Quantities

/// Weights in a format back to fp32.
///
/// - Shapes: `weights` is n × k as the format has it, `values` n × k, row-major, fp32.
/// - Work: a product for each weight; reads the weights once, writes 4 bytes for each.
/// - Error: none: each product and sum is rounded once, as the format's definition has it.
package enum Dequantize: Workload {
  package struct Problem: Codable, Hashable, Sendable {
    /// Rows: outputs of a layer.
    package let n: Int
    /// Weights of a row.
    package let k: Int
    package let format: ElementType
    /// Weights that share a scale, where the format leaves that open.
    package let groupSize: GroupSize
    package let zeroPoint: ZeroPoint
    package let packing: Packing

    package init(
      n: Int, k: Int, format: ElementType, groupSize: GroupSize = .usual,
      zeroPoint: ZeroPoint = .none, packing: Packing = .gptq
    ) {
      self.n = n
      self.k = k
      self.format = format
      self.groupSize = groupSize
      self.zeroPoint = zeroPoint
      self.packing = packing
    }

    package var weightFormat: WeightFormat {
      WeightFormat(format, groupSize: groupSize, zeroPoint: zeroPoint, packing: packing)
    }
  }

  package struct Operands: OperandSet {
    package let weights: Tensor
    package let values: Tensor

    package var operands: [Operand] {
      [Operand("weights", weights, .input), Operand("values", values, .output)]
    }
  }

  package static let name = "dequantize"
  package static let about = "weights n × k in a format to fp32"
  package static let smallest = Problem(n: 3, k: 256, format: .q4_0)
  package static let defaults = ["group-size": "usual", "zero-point": "none", "packing": "gptq"]

  package static func validate(_ problem: Problem) throws {
    try problem.weightFormat.validate(
      n: problem.n, k: problem.k, groupSize: problem.groupSize, zeroPoint: problem.zeroPoint)
  }

  package static func magnitude(of problem: Problem) -> Double {
    64 * product(problem.n, problem.k)
  }

  package static func work(of problem: Problem) -> Work {
    Work(
      flops: problem.n * problem.k,
      bytesRead: problem.weightFormat.bytes(rows: problem.n, columns: problem.k),
      bytesWritten: ElementType.fp32.bytes(of: problem.n * problem.k), format: .fp32)
  }

  package static func operands(
    for problem: Problem, seed: UInt64, in ledger: MemoryLedger
  ) throws -> Operands {
    let source = WeightSource(columns: problem.k, seed: seed)
    return Operands(
      weights: try source.tensor(problem.weightFormat, rows: problem.n, in: ledger),
      values: try ledger.tensor(.fp32, [problem.n, problem.k], .activations))
  }

  package static func expectation(
    of problem: Problem, _ operands: Operands, at sample: OutputSample
  ) -> Expectation {
    var values: [Double] = []
    for row in sample.rows {
      let weights = operands.weights.row(row, of: problem.weightFormat)
      values += sample.columns.map { Double(weights[$0]) }
    }
    return Expectation(values: values, magnitudes: values.map { abs($0) })
  }

  package static func tolerance(of problem: Problem) -> Tolerance {
    Tolerance(relative: 0, basis: "every rounding is the format's own")
  }

  package static func memory(of problem: Problem, variant: Variant<Dequantize>, threads: Int)
    -> MemoryPlan
  {
    let operands: [MemoryRole: Bytes] = [
      .activations: ElementType.fp32.bytes(of: problem.n * problem.k),
      .weights: problem.weightFormat.bytes(rows: problem.n, columns: problem.k),
    ]
    return MemoryPlan([.operands: operands, .preparation: operands, .run: operands])
  }
}
