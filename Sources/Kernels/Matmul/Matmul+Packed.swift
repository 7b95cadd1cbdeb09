import CMicrokernels
import Quantities

extension Matmul {
  /// Many rows: weights packed ahead into panels that the tiles read front to back.
  final class PackedKernel: Kernel, ParallelTask {
    private let problem: Problem
    private let loops: hr_matmul_kernels
    private let blocking: Blocking
    private let pool: ThreadPool
    private let a: Tensor
    private let c: Tensor
    /// `b` as panels of tile columns: panel × depth × column. The tensor it was made of is not
    /// kept: an engine would not, either.
    private let panels: Allocation
    private let workspace: Allocation

    init(
      problem: Problem, operands: Operands, loops: hr_matmul_kernels, execution: Execution
    ) throws {
      self.problem = problem
      self.loops = loops
      blocking = Blocking(problem: problem, loops: loops)
      pool = execution.pool
      a = operands.a
      c = operands.c
      panels = try execution.ledger.allocate(
        PackedKernel.panelBytes(problem, loops), role: .weights)
      workspace = try execution.ledger.allocate(
        PackedKernel.workspaceBytes(problem, loops, threads: pool.threads), role: .workspace)
      pool.run(Packing(self, b: operands.b))
    }

    static func panelBytes(_ problem: Problem, _ loops: hr_matmul_kernels) -> Bytes {
      problem.precision.bytes(
        of: roundUp(problem.n, to: Int(loops.tile_columns)) * problem.k)
    }

    static func workspaceBytes(_ problem: Problem, _ loops: hr_matmul_kernels, threads: Int)
      -> Bytes
    {
      let blocking = Blocking(problem: problem, loops: loops)
      return Bytes(threads * blocking.rows * blocking.depth * 4)
    }

    func run() { pool.run(self) }

    func run(part: Int, of parts: Int) {
      let tileRows = Int(loops.tile_rows)
      let panelCount = (problem.n + Int(loops.tile_columns) - 1) / Int(loops.tile_columns)
      // Each part packs the rows of a that it reads. Cutting columns makes every part pack all
      // of a, which is dear only with many rows; cutting those few rows that there otherwise are
      // would leave tiles half empty.
      let byRows = problem.m >= 1024 * parts || panelCount < parts
      let rows =
        byRows ? split(problem.m, part: part, of: parts, grain: tileRows) : 0..<problem.m
      let columns = byRows ? 0..<panelCount : split(panelCount, part: part, of: parts)
      if !rows.isEmpty, !columns.isEmpty { multiply(rows, columns, part: part) }
    }

    private func multiply(_ rows: Range<Int>, _ panelRange: Range<Int>, part: Int) {
      let (tileRows, tileColumns) = (Int(loops.tile_rows), Int(loops.tile_columns))
      let elementSize = problem.precision.bytes(of: 1).count
      let c = c.pointer(to: Float.self)
      let block = (workspace.start + part * blocking.rows * blocking.depth * 4)
        .assumingMemoryBound(to: Float.self)
      for depthStart in stride(from: 0, to: problem.k, by: blocking.depth) {
        let depth = min(blocking.depth, problem.k - depthStart)
        for rowStart in stride(from: rows.lowerBound, to: rows.upperBound, by: blocking.rows) {
          let rowCount = min(blocking.rows, rows.upperBound - rowStart)
          for row in stride(from: 0, to: rowCount, by: tileRows) {
            loops.pack_a(
              a.start + ((rowStart + row) * problem.k + depthStart) * elementSize,
              Int64(problem.k), block + row * depth, Int64(depth),
              Int32(min(tileRows, rowCount - row)))
          }
          for panel in panelRange {
            let column = panel * tileColumns
            let columnCount = Int32(min(tileColumns, problem.n - column))
            let b = panels.start + (panel * problem.k + depthStart) * tileColumns * elementSize
            for row in stride(from: 0, to: rowCount, by: tileRows) {
              loops.tile(
                block + row * depth, b, c + (rowStart + row) * problem.n + column,
                Int64(problem.n), Int64(depth), Int32(min(tileRows, rowCount - row)), columnCount,
                depthStart == 0 ? 0 : 1)
            }
          }
        }
      }
    }

    /// Packs `b`, each part its own panels.
    private final class Packing: ParallelTask {
      let kernel: PackedKernel
      let b: Tensor

      init(_ kernel: PackedKernel, b: Tensor) {
        self.kernel = kernel
        self.b = b
      }

      func run(part: Int, of parts: Int) {
        let (problem, loops) = (kernel.problem, kernel.loops)
        let tileColumns = Int(loops.tile_columns)
        let elementSize = problem.precision.bytes(of: 1).count
        let panelCount = (problem.n + tileColumns - 1) / tileColumns
        for panel in split(panelCount, part: part, of: parts) {
          loops.pack_b(
            b.start + panel * tileColumns * problem.k * elementSize, Int64(problem.k),
            kernel.panels.start + panel * tileColumns * problem.k * elementSize,
            Int64(problem.k), Int32(min(tileColumns, problem.n - panel * tileColumns)))
        }
      }
    }
  }
}

extension Matmul.Blocking {
  init(problem: Matmul.Problem, loops: hr_matmul_kernels) {
    self.init(
      problem: problem, tileRows: Int(loops.tile_rows), tileColumns: Int(loops.tile_columns))
  }
}
