import Quantities

extension AttentionPrefill {
  /// Plain Swift in fp64: what the others are held against.
  package static let reference = Variant<AttentionPrefill>(name: "reference", kind: .reference) {
    problem, operands, execution in
    ReferenceKernel(problem: problem, operands: operands, pool: execution.pool)
  }

  private final class ReferenceKernel: Kernel, ParallelTask {
    private let problem: Problem
    private let operands: Operands
    private let pool: ThreadPool

    init(problem: Problem, operands: Operands, pool: ThreadPool) {
      self.problem = problem
      self.operands = operands
      self.pool = pool
    }

    func run() { pool.run(self) }

    func run(part: Int, of parts: Int) {
      let row = AttentionRow(problem, operands)
      let o = operands.o.pointer(to: Float.self)
      for index in split(operands.o.rows, part: part, of: parts) {
        for (column, value) in row.expected(index).values.enumerated() {
          o[index * problem.headDim + column] = Float(value)
        }
      }
    }
  }
}
