import CMicrokernels
import Quantities

/// A product of tiles: rows of `a` packed within the call, weights from panels.
final class TiledMatmul: Kernel, ParallelTask {
  private let m: Int
  private let n: Int
  private let k: Int
  private let loops: hr_matmul_kernels
  private let blocking: Matmul.Blocking
  private let cuts: [Range<Int>]
  private let pool: ThreadPool
  private let a: Tensor
  private let c: Tensor
  private let panels: any PanelSource
  private let space: Space
  private let weights: PackedWeights
  private let workspace: MatmulWorkspace

  /// A row block of packed activations for each thread.
  final class Space {
    let blocking: Matmul.Blocking
    let loops: hr_matmul_kernels
    let rowBlocks: Allocation

    init(_ blocking: Matmul.Blocking, _ loops: hr_matmul_kernels, _ execution: Execution) throws {
      self.blocking = blocking
      self.loops = loops
      rowBlocks = try execution.ledger.allocate(
        Self.bytes(blocking, loops, threads: execution.threads), role: .workspace)
    }

    static func bytes(_ blocking: Matmul.Blocking, _ loops: hr_matmul_kernels, threads: Int)
      -> Bytes
    {
      blocking.rowBlockBytes(loops) * threads
    }
  }

  init(
    m: Int, _ product: Matmul, a: Tensor, c: Tensor, panels: any PanelSource, space: Space,
    weights: PackedWeights, workspace: MatmulWorkspace
  ) {
    self.m = m
    (n, k) = (product.n, product.k)
    (loops, blocking) = (space.loops, space.blocking)
    cuts = blocking.cuts(of: k)
    pool = workspace.pool
    self.a = a
    self.c = c
    self.panels = panels
    self.space = space
    self.weights = weights
    self.workspace = workspace
  }

  func copy(in ledger: MemoryLedger) throws -> (any Kernel)? {
    try weights.copy(in: ledger).kernel(
      a: try ledger.copy(of: a, role: .activations),
      c: try ledger.copy(of: c, role: .activations), workspace)
  }

  func run() { pool.run(self) }

  func run(part: Int, of parts: Int) {
    // A grid of parts. Each packs the rows of a that it reads, so rows are cut as often as there
    // are row blocks, and no more: few rows in each part would leave tiles half empty.
    let panelCount = loops.panels(of: n)
    let rowBlocks = (m + blocking.rows - 1) / blocking.rows
    let rowParts =
      panelCount < parts ? parts : (1...parts).last { parts % $0 == 0 && $0 <= rowBlocks } ?? 1
    let columnParts = parts / rowParts
    let rows = split(m, part: part / columnParts, of: rowParts)
    let columns = split(panelCount, part: part % columnParts, of: columnParts)
    if !rows.isEmpty, !columns.isEmpty { multiply(rows, columns, part: part) }
  }

  private func multiply(_ rows: Range<Int>, _ panelRange: Range<Int>, part: Int) {
    let rowBlock = space.rowBlocks.start + part * blocking.rowBlockBytes(loops).count
    let c = c.pointer(to: Float.self)
    let tileColumns = Int(loops.tile_columns)
    for cut in cuts {
      let steps = (cut.count + Int(loops.step) - 1) / Int(loops.step)
      for rowStart in stride(from: rows.lowerBound, to: rows.upperBound, by: blocking.rows) {
        let held = rowStart..<min(rows.upperBound, rowStart + blocking.rows)
        pack(held, cut, into: rowBlock)
        for index in panelRange {
          let columns = min(tileColumns, n - index * tileColumns)
          loops.multiply(
            rowBlock.assumingMemoryBound(to: Float.self),
            panels.panel(index, k: cut, part: part),
            c + held.lowerBound * n + index * tileColumns, Int64(n),
            Int64(steps), Int32(held.count), Int32(columns),
            cut.lowerBound == 0 ? 0 : 1, panels.areInMemory ? 1 : 0)
        }
      }
    }
  }

  private func pack(
    _ rows: Range<Int>, _ cut: Range<Int>, into rowBlock: UnsafeMutableRawPointer
  ) {
    let tileRows = Int(loops.tile_rows)
    for index in 0..<(rows.count + tileRows - 1) / tileRows {
      let tile = Matmul.Blocking.tile(index, of: rows.count, tileRows: tileRows)
      loops.pack_a(
        a.pointer(row: rows.lowerBound + tile.lowerBound, column: cut.lowerBound),
        Int64(k),
        (rowBlock + tile.lowerBound * loops.rowBytes(kCount: cut.count))
          .assumingMemoryBound(to: Float.self),
        Int64(cut.count), Int32(tile.count))
    }
  }
}
