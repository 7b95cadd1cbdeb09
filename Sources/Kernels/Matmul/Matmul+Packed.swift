import CMicrokernels
import Quantities

extension Matmul {
  /// Weights packed ahead into panels that the tiles read front to back.
  final class PackedKernel: Kernel, ParallelTask {
    private let problem: Problem
    private let loops: hr_matmul_kernels
    private let blocking: Blocking
    private let pool: ThreadPool
    private let a: Tensor
    private let c: Tensor
    /// `b` in the order in which it is read: cut of the depth × panel × step × column. The tensor
    /// it was made of is not kept: an engine would not, either.
    private let panels: Allocation
    private let workspace: Allocation

    init(
      problem: Problem, a: Tensor, b: Tensor, c: Tensor, loops: hr_matmul_kernels,
      execution: Execution
    ) throws {
      self.problem = problem
      self.loops = loops
      blocking = Blocking(problem: problem, loops: loops)
      pool = execution.pool
      self.a = a
      self.c = c
      panels = try execution.ledger.allocate(
        PackedKernel.panelBytes(problem, loops), role: .weights)
      workspace = try execution.ledger.allocate(
        PackedKernel.workspaceBytes(problem, loops, threads: pool.threads), role: .workspace)
      pool.run(Packing(self, b: b))
    }

    static func panelBytes(_ problem: Problem, _ loops: hr_matmul_kernels) -> Bytes {
      let steps = (problem.k + Int(loops.step) - 1) / Int(loops.step)
      return Bytes(
        roundUp(problem.n, to: Int(loops.tile_columns)) * steps * Int(loops.step_bytes))
    }

    static func workspaceBytes(_ problem: Problem, _ loops: hr_matmul_kernels, threads: Int)
      -> Bytes
    {
      let blocking = Blocking(problem: problem, loops: loops)
      return blocking.blockBytes(loops) * threads
    }

    func run() { pool.run(self) }

    func run(part: Int, of parts: Int) {
      // Each part packs the rows of a that it reads. Cutting columns makes every part pack all
      // of a, which is dear only with many rows; cutting those few rows that there otherwise are
      // would leave tiles half empty.
      let byRows = problem.m >= 1024 * parts || panelCount < parts
      let rows =
        byRows
        ? split(problem.m, part: part, of: parts, grain: Int(loops.tile_rows)) : 0..<problem.m
      let columns = byRows ? 0..<panelCount : split(panelCount, part: part, of: parts)
      if !rows.isEmpty, !columns.isEmpty { multiply(rows, columns, part: part) }
    }

    private var panelCount: Int {
      (problem.n + Int(loops.tile_columns) - 1) / Int(loops.tile_columns)
    }

    /// Bytes of one panel of one cut.
    private func panelBytes(depth: Int) -> Int {
      (depth + Int(loops.step) - 1) / Int(loops.step) * Int(loops.tile_columns)
        * Int(loops.step_bytes)
    }

    /// The panels of the cut that starts at a depth; all before it are whole.
    private func cut(at depthStart: Int) -> UnsafeMutableRawPointer {
      panels.start + panelBytes(depth: depthStart) * panelCount
    }

    private func multiply(_ rows: Range<Int>, _ panelRange: Range<Int>, part: Int) {
      let block = workspace.start + part * blocking.blockBytes(loops).count
      for depthStart in stride(from: 0, to: problem.k, by: blocking.depth) {
        let depth = depthStart..<min(problem.k, depthStart + blocking.depth)
        for rowStart in stride(from: rows.lowerBound, to: rows.upperBound, by: blocking.rows) {
          let blockRows = rowStart..<min(rows.upperBound, rowStart + blocking.rows)
          pack(blockRows, depth, into: block)
          multiply(block, blockRows, depth, panelRange)
        }
      }
    }

    private func pack(
      _ rows: Range<Int>, _ depth: Range<Int>, into block: UnsafeMutableRawPointer
    ) {
      let tileRows = Int(loops.tile_rows)
      for index in 0..<(rows.count + tileRows - 1) / tileRows {
        let tile = Blocking.tile(index, of: rows.count, tileRows: tileRows)
        loops.pack_a(
          a.pointer(row: rows.lowerBound + tile.lowerBound, column: depth.lowerBound),
          Int64(problem.k),
          (block + tile.lowerBound * rowBytes(depth.count)).assumingMemoryBound(to: Float.self),
          Int64(depth.count), Int32(tile.count))
      }
    }

    /// Bytes of a packed row of `a`.
    private func rowBytes(_ depth: Int) -> Int {
      (depth + Int(loops.step) - 1) / Int(loops.step) * Int(loops.a_step_bytes)
    }

    private func multiply(
      _ block: UnsafeRawPointer, _ rows: Range<Int>, _ depth: Range<Int>,
      _ panelRange: Range<Int>
    ) {
      let (tileRows, tileColumns) = (Int(loops.tile_rows), Int(loops.tile_columns))
      let steps = (depth.count + Int(loops.step) - 1) / Int(loops.step)
      let panelBytes = panelBytes(depth: depth.count)
      let tiles = (rows.count + tileRows - 1) / tileRows
      // What a single tile asks for is a little further on in what it reads; several ask for the
      // next panel, each for a line a step, until it is complete.
      let linesPerStep = tileColumns * Int(loops.step_bytes) / cacheLine
      let c = c.pointer(to: Float.self) + rows.lowerBound * problem.n
      var panel = cut(at: depth.lowerBound) + panelRange.lowerBound * panelBytes
      for index in panelRange {
        let column = index * tileColumns
        let columns = Int32(min(tileColumns, problem.n - column))
        for index in 0..<tiles {
          let tile = Blocking.tile(index, of: rows.count, tileRows: tileRows)
          let ahead = tiles == 1 ? Self.ahead : panelBytes + index * steps * cacheLine
          let lines = tiles == 1 ? linesPerStep : index < linesPerStep ? 1 : 0
          loops.tile(
            (block + tile.lowerBound * rowBytes(depth.count)).assumingMemoryBound(to: Float.self),
            panel,
            c + tile.lowerBound * problem.n + column, Int64(problem.n), Int64(steps),
            Int32(tile.count), columns, depth.lowerBound == 0 ? 0 : 1, panel + ahead, Int32(lines))
        }
        panel += panelBytes
      }
    }

    /// About what memory delivers in its own latency (100 ns at 40 GB/s).
    private static var ahead: Int { 4096 }

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
        for depthStart in stride(from: 0, to: problem.k, by: kernel.blocking.depth) {
          let depth = min(problem.k - depthStart, kernel.blocking.depth)
          let panels = kernel.cut(at: depthStart)
          for panel in split(kernel.panelCount, part: part, of: parts) {
            loops.pack_b(
              b.pointer(row: panel * tileColumns, column: depthStart), Int64(problem.k),
              panels + panel * kernel.panelBytes(depth: depth), Int64(depth),
              Int32(min(tileColumns, problem.n - panel * tileColumns)))
          }
        }
      }
    }
  }
}

/// Bytes of a line of every cache of the processors that kernels are written for.
let cacheLine = 64
