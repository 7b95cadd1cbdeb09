import CMicrokernels
import Quantities

extension Matmul {
  /// How a product is cut so that each level of cache is read many times over.
  ///
  /// A panel of `b`, `kCount` × tile columns, and a row block of `a`, `rows` × `kCount`, stay in L2 while
  /// the tiles of the row block pass over the panel; the row block stays while all panels do (after Goto
  /// and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008, who keep the
  /// panel in L1: a tile of 9 × 48 reads 14 bytes of it a cycle, which L2 delivers, and every cut
  /// of k costs a pass over `c`, which lies further away).
  struct Blocking: Hashable {
    /// How many of k lie between two cuts.
    let kCount: Int
    /// Rows of a row block.
    let rows: Int

    /// - Parameters:
    ///   - m: rows of `a`.
    ///   - k: the length of the sums.
    ///   - grain: cuts of k lie at its multiples, but for the end.
    ///   - keepsPanel: whether a panel is read more than once: by several tiles, or because it
    ///     was made just before.
    init(
      m: Int, k: Int, loops: hr_matmul_kernels, grain: Int = 8, keepsPanel: Bool? = nil,
      caches: CacheSizes = .current
    ) {
      let tileRows = Int(loops.tile_rows)
      let panelBytes = Int(loops.tile_columns) * Int(loops.step_bytes) / Int(loops.step)
      let rowBytes = Int(loops.a_step_bytes) / Int(loops.step)
      // An eighth of L2 for the panel of b. One tile alone reads each panel once: then all that
      // need stay is its row block of a.
      let maxCount =
        !(keepsPanel ?? (m > tileRows))
        ? caches.l2.count / 2 / (m * rowBytes) : caches.l2.count / 8 / panelBytes
      // Equal cuts, so that the last one is not a sliver.
      let cuts = (k + maxCount - 1) / maxCount
      kCount = min(
        roundUp(k, to: grain), roundUp((k + cuts - 1) / cuts, to: grain))
      // Half of L2 for the row block of a: panels of b and tiles of c go through the other half.
      let maxRows = max(
        tileRows, caches.l2.count * 5 / 8 / (kCount * rowBytes) / tileRows * tileRows)
      let rowBlocks = (m + maxRows - 1) / maxRows
      rows = min(
        roundUp(m, to: tileRows), roundUp((m + rowBlocks - 1) / rowBlocks, to: tileRows))
    }

    /// For panels that were cut for another number of rows.
    init(_ other: Blocking, m: Int, loops: hr_matmul_kernels) {
      kCount = other.kCount
      rows = min(other.rows, roundUp(m, to: Int(loops.tile_rows)))
    }

    /// The maximum that a packed row block of `a` takes.
    func rowBlockBytes(_ loops: hr_matmul_kernels) -> Bytes {
      Bytes(rows * loops.rowBytes(kCount: kCount))
    }

    /// The ranges that k is cut into, all but the last equally long.
    func cuts(of k: Int) -> [Range<Int>] {
      stride(from: 0, to: k, by: kCount).map { $0..<min(k, $0 + kCount) }
    }

    /// The rows of each tile of a row block: as equal as they come, since a tile of few rows waits for
    /// its loads.
    static func tile(_ index: Int, of rows: Int, tileRows: Int) -> Range<Int> {
      let tiles = (rows + tileRows - 1) / tileRows
      return index * rows / tiles..<(index + 1) * rows / tiles
    }
  }
}
