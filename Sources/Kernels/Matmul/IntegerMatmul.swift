import CMicrokernels
import Quantities

/// Activations rounded to 8 bits within the call, integer products with codes, scales after each
/// 16 or 32 of them.
final class IntegerMatmul: Kernel, ParallelTask {
  private let panels: QuantizedPanels
  private let cut: Cut
  private let a: Tensor
  private let c: Tensor
  private let pool: ThreadPool
  private let space: Space
  private let weights: PackedWeights
  private let workspace: MatmulWorkspace
  private let rounding: Rounding

  /// How the product is cut: a row block of rounded activations stays in L2, of which it takes three
  /// quarters, while all panels pass.
  struct Cut: Hashable {
    let m: Int
    let k: Int
    /// Rows of a row block: their sums of a panel take 3/8 of L1. Of several row blocks each has a
    /// multiple of 6 rows, which are a tile's, or two.
    let rows: Int
    /// Groups at a time.
    let groups: Int
    let sumBytes: Int
    /// Bytes of a row's 32 activations.
    let subBlockBytes: Int

    init(m: Int, layout: QuantizedPanels.Layout, caches: CacheSizes = .current) {
      self.m = m
      k = layout.k
      subBlockBytes = layout.activationBytes
      let rowBytes = layout.subBlocks * subBlockBytes
      let room = caches.l2.count * 3 / 4
      // A group may be as long as all of k.
      let maxRows = max(1, min(caches.l1.count * 3 / 8 / (layout.columns * 4), room / rowBytes))
      let rowBlocks = (m + maxRows - 1) / maxRows
      rows = min(m, roundUp((m + rowBlocks - 1) / rowBlocks, to: 6))
      sumBytes = roundUp(rows * layout.columns * 4, to: 4096)
      let maxGroups = max(1, room / (rows * rowBytes))
      let cuts = (layout.groups + maxGroups - 1) / maxGroups
      groups = (layout.groups + cuts - 1) / cuts
    }

    var subBlocks: Int { (k + 31) / 32 }
    var roundedBytes: Bytes { Bytes(m * subBlocks * subBlockBytes) }
    func allSums(threads: Int) -> Bytes { Bytes(threads * sumBytes) }
  }

  /// Rounded activations, and sums of a panel for each thread.
  final class Space {
    let cut: Cut
    let rounded: Allocation
    let sums: Allocation

    init(m: Int, _ panels: QuantizedPanels, _ execution: Execution) throws {
      cut = Cut(m: m, layout: panels.layout)
      rounded = try execution.ledger.allocate(cut.roundedBytes, role: .workspace)
      sums = try execution.ledger.allocate(
        cut.allSums(threads: execution.threads), role: .workspace)
    }
  }

  init(
    panels: QuantizedPanels, a: Tensor, c: Tensor, space: Space, weights: PackedWeights,
    workspace: MatmulWorkspace
  ) {
    self.panels = panels
    self.a = a
    self.c = c
    self.space = space
    self.weights = weights
    self.workspace = workspace
    cut = space.cut
    pool = workspace.pool
    rounding = Rounding(a: a, rounded: space.rounded, cut: cut, loops: panels.loops)
  }

  func copy(in ledger: MemoryLedger) throws -> (any Kernel)? {
    try weights.copy(in: ledger).kernel(
      a: try ledger.copy(of: a, role: .activations),
      c: try ledger.copy(of: c, role: .activations), workspace)
  }

  func run() {
    pool.run(rounding)
    pool.run(self)
  }

  func run(part: Int, of parts: Int) {
    let (layout, loops) = (panels.layout, panels.loops)
    let range = split(layout.panels, part: part, of: parts)
    let sums = (space.sums.start + part * cut.sumBytes).assumingMemoryBound(to: Float.self)
    let c = c.pointer(to: Float.self)
    for rowStart in stride(from: 0, to: cut.m, by: cut.rows) {
      let rows = min(cut.rows, cut.m - rowStart)
      let rowBlock = rounding.rowBlock(from: rowStart)
      for groupStart in stride(from: 0, to: layout.groups, by: cut.groups) {
        let groups = min(cut.groups, layout.groups - groupStart)
        let activations = rowBlock + groupStart * layout.subBlocks * rows * cut.subBlockBytes
        for panel in range {
          loops.multiply(
            panels.place(panel: panel, group: groupStart), Int64(groups),
            Int32(layout.subBlocks), activations, Int32(rows), sums)
          loops.store_sums(
            sums, Int32(rows), c + rowStart * layout.n + panel * layout.columns,
            Int64(layout.n), Int32(layout.columns(of: panel)), groupStart == 0 ? 0 : 1)
        }
      }
    }
  }
}

/// Activations to 8 bits: row block × sub-block × row.
final class Rounding: ParallelTask {
  private let a: Tensor
  private let rounded: Allocation
  private let cut: IntegerMatmul.Cut
  private let loops: hr_quantized_kernels

  init(a: Tensor, rounded: Allocation, cut: IntegerMatmul.Cut, loops: hr_quantized_kernels) {
    self.a = a
    self.rounded = rounded
    self.cut = cut
    self.loops = loops
  }

  func rowBlock(from row: Int) -> UnsafeMutableRawPointer {
    rounded.start + row * cut.subBlocks * cut.subBlockBytes
  }

  /// Each part a stretch of k, so that one row is shared out, too.
  func run(part: Int, of parts: Int) {
    let range = split(
      cut.subBlocks, part: part, of: parts, grain: Int(loops.activation_block) / 32)
    guard !range.isEmpty else { return }
    let kCount = min(cut.k, range.upperBound * 32) - range.lowerBound * 32
    for rowStart in stride(from: 0, to: cut.m, by: cut.rows) {
      let rows = min(cut.rows, cut.m - rowStart)
      loops.quantize_rows(
        a.pointer(to: Float.self) + rowStart * cut.k + range.lowerBound * 32, Int64(cut.k),
        Int64(kCount), Int32(rows), loops.activation_block, loops.sums, loops.zero,
        rowBlock(from: rowStart) + range.lowerBound * rows * cut.subBlockBytes)
    }
  }
}
