import CMicrokernels
import Quantities

extension Matmul {
  /// Few rows: reads the weights once, as they are stored. Memory is the limit, and packing would
  /// read and write them once more.
  final class DirectKernel: Kernel, ParallelTask {
    private let problem: Problem
    private let loops: hr_matmul_kernels
    private let pool: ThreadPool
    private let operands: Operands
    /// `a` in fp32, a copy for each thread so that none waits for another.
    private let widened: Allocation?

    init(
      problem: Problem, operands: Operands, loops: hr_matmul_kernels, execution: Execution
    ) throws {
      self.problem = problem
      self.loops = loops
      self.operands = operands
      pool = execution.pool
      let bytes = DirectKernel.workspaceBytes(problem, threads: pool.threads)
      widened = bytes > .zero ? try execution.ledger.allocate(bytes, role: .workspace) : nil
    }

    static func workspaceBytes(_ problem: Problem, threads: Int) -> Bytes {
      problem.precision == .fp32
        ? .zero : ElementType.fp32.bytes(of: problem.m * problem.k) * threads
    }

    func run() { pool.run(self) }

    func run(part: Int, of parts: Int) {
      // 16 results are a cache line: no two parts write to the same one.
      let columns = split(problem.n, part: part, of: parts, grain: 16)
      guard !columns.isEmpty else { return }
      let elementSize = problem.precision.bytes(of: 1).count
      var a = operands.a.start.assumingMemoryBound(to: Float.self)
      if let widened {
        a = widened.start.assumingMemoryBound(to: Float.self) + part * problem.m * problem.k
        loops.widen(operands.a.start, a, Int64(problem.m * problem.k))
      }
      loops.dot(
        a, Int64(problem.k), operands.b.start + columns.lowerBound * problem.k * elementSize,
        Int64(problem.k), operands.c.pointer(to: Float.self) + columns.lowerBound,
        Int64(problem.n), Int64(problem.k), Int32(problem.m), Int64(columns.count))
    }
  }
}
