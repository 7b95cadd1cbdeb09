package import Kernels
package import Quantities

/// Weights in a format back to fp32.
///
/// - Shapes, work and error: as of `Dequantize`.
package enum DequantizeWorkload: Workload {
  /// One matrix, n × k in a format.
  package struct Problem: Codable, Hashable, Sendable {
    package let weights: WeightAxes

    /// Sizes are taken as they are: `validate` says whether they make a problem. What is left out is as in
    /// `defaults`.
    package init(
      n: Int, k: Int, format: ElementType, groupSize: GroupSize = .usual,
      zeroPoint: ZeroPoint = .none, packing: Packing = .gptq
    ) {
      weights = WeightAxes(
        n: n, k: k, format: format, groupSize: groupSize, zeroPoint: zeroPoint, packing: packing)
    }
  }

  /// `weights`, n × k as the format has it, and `values`, n × k in fp32.
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
  package static let defaults = WeightAxes.defaults

  /// The reference is plain Swift, too: what a format stands for is exact.
  package static let variants: [Variant<DequantizeWorkload>] = {
    [.reference()]
      + InstructionSet.having(.dequantize).map { set in
        Variant(set) { problem, operands, execution in
          let weights = problem.weights
          return Dequantize(n: weights.n, k: weights.k, format: weights.stored, instructions: set)
            .kernel(weights: operands.weights, values: operands.values, execution)
        }
      }
  }()

  package static func validate(_ problem: Problem) throws { try problem.weights.validate() }

  package static func workBound(of problem: Problem) -> Double {
    64 * product(problem.weights.n, problem.weights.k)
  }

  /// Each weight takes one product, which is the least of any format.
  package static func work(of problem: Problem) -> Work {
    let count = problem.weights.n * problem.weights.k
    return Work(
      flops: count, bytesRead: problem.weights.bytes,
      bytesWritten: ElementType.fp32.bytes(of: count), format: .fp32)
  }

  package static func operands(
    for problem: Problem, seed: UInt64, in ledger: MemoryLedger
  ) throws -> Operands {
    let weights = problem.weights
    return Operands(
      weights: try WeightSource(columns: weights.k, seed: seed)
        .tensor(weights.stored, rows: weights.n, in: ledger),
      values: try ledger.tensor(.fp32, [weights.n, weights.k], .activations))
  }

  package static func expectation(
    of problem: Problem, _ operands: Operands, at sample: OutputSample
  ) -> Expectation {
    var values: [Double] = []
    for row in sample.rows {
      let weights = operands.weights.row(row, of: problem.weights.stored)
      values += sample.columns.map { Double(weights[$0]) }
    }
    return Expectation(values: values, magnitudes: values.map { abs($0) })
  }

  package static func tolerance(of problem: Problem) -> Tolerance {
    Tolerance(relative: 0, basis: "every rounding is the format's own")
  }
}
