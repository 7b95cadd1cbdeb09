import Quantities

extension Matmul {
  /// Plain Swift with fp64 sums: what the others are held against.
  package static let reference = Variant<Matmul>(name: "reference", kind: .reference) {
    problem, operands, execution in
    ReferenceKernel(problem: problem, operands: operands, pool: execution.pool)
  }

  private final class ReferenceKernel: Kernel, ParallelTask {
    let problem: Problem
    let operands: Operands
    let pool: ThreadPool

    init(problem: Problem, operands: Operands, pool: ThreadPool) {
      self.problem = problem
      self.operands = operands
      self.pool = pool
    }

    func run() { pool.run(self) }

    func run(part: Int, of parts: Int) {
      let (m, n, k) = (problem.m, problem.n, problem.k)
      let c = operands.c.pointer(to: Float.self)
      let rows = (0..<m).map { operands.a.doubles($0 * k..<($0 + 1) * k) }
      for column in split(n, part: part, of: parts) {
        let weights = operands.b.doubles(column * k..<(column + 1) * k)
        for row in 0..<m { c[row * n + column] = Float(Matmul.dot(rows[row], weights).0) }
      }
    }
  }
}

/// The `part`-th of `parts` nearly equal stretches of `0..<count`, cut at multiples of `grain`.
func split(_ count: Int, part: Int, of parts: Int, grain: Int = 1) -> Range<Int> {
  let grains = (count + grain - 1) / grain
  let from = grains * part / parts * grain
  let to = grains * (part + 1) / parts * grain
  return min(count, from)..<min(count, to)
}
