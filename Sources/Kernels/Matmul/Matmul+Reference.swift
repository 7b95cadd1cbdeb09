package import Quantities

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
      let columns = split(problem.n, part: part, of: parts)
      let c = operands.c.pointer(to: Float.self)
      for row in 0..<problem.m {
        for column in columns {
          let (sum, _) = Matmul.dot(operands, row: row, column: column, k: problem.k)
          c[row * problem.n + column] = Float(sum)
        }
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
extension Matmul {
  package static func memory(of problem: Problem, variant: Variant<Matmul>, threads: Int)
    -> MemoryPlan
  {
    let operands: [MemoryRole: Bytes] = [
      .activations: problem.precision.bytes(of: problem.m * problem.k)
        + ElementType.fp32.bytes(of: problem.m * problem.n),
      .weights: problem.precision.bytes(of: problem.n * problem.k),
    ]
    return MemoryPlan([.operands: operands, .preparation: operands, .run: operands])
  }
}
