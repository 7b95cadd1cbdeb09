import Kernels
import Quantities

extension Variant {
  /// The variant that the others must agree with: each result of the output as it is expected, in fp64
  /// and plain Swift.
  ///
  /// - Parameter first: what a call does besides, before.
  static func reference(
    first: @escaping @Sendable (W.Problem, W.Operands) -> Void = { _, _ in }
  ) -> Variant {
    Variant(name: "reference", kind: .reference) { problem, operands, execution in
      guard let output = operands.operands.first(where: { $0.access == .output }) else {
        preconditionFailure("\(W.name) has no output")
      }
      return ReferenceKernel<W>(
        problem: problem, operands: operands, output: output.tensor, first: first,
        pool: execution.pool)
    }
  }
}

private final class ReferenceKernel<W: Workload>: Kernel, ParallelTask {
  private let problem: W.Problem
  private let operands: W.Operands
  private let output: Tensor
  private let first: (W.Problem, W.Operands) -> Void
  private let pool: ThreadPool

  init(
    problem: W.Problem, operands: W.Operands, output: Tensor,
    first: @escaping (W.Problem, W.Operands) -> Void, pool: ThreadPool
  ) {
    self.problem = problem
    self.operands = operands
    self.output = output
    self.first = first
    self.pool = pool
  }

  func run() {
    first(problem, operands)
    pool.run(self)
  }

  func run(part: Int, of parts: Int) {
    let rows = split(output.rows, part: part, of: parts)
    guard !rows.isEmpty else { return }
    let sample = OutputSample(rows: rows, columns: output.columns)
    let values = W.expectation(of: problem, operands, at: sample).values
    for (index, value) in values.enumerated() {
      output.store(Float(value), at: rows.lowerBound * output.columns + index)
    }
  }
}
