import CMicrokernels
import Quantities

extension Matmul {
  /// How a product is cut so that each level of cache is read many times over.
  ///
  /// A panel of `b`, `depth` × tile columns, stays in L1 while the tiles of one block of `a` pass
  /// over it; the block of `a`, `rows` × `depth`, stays in L2 while all panels of `b` pass over
  /// it (Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008).
  struct Blocking: Hashable {
    let depth: Int
    let rows: Int

    init(
      problem: Problem, loops: hr_matmul_kernels, caches: CacheSizes = .current
    ) {
      let tileRows = Int(loops.tile_rows)
      let bytesPerDepth = Int(loops.tile_columns) * Int(loops.step_bytes) / Int(loops.step)
      // Half of L1 for the panel of b: the other half takes the panel of a that streams past it,
      // which is less than half as wide, and the tile of c. One tile alone reads each panel once:
      // then all that need stay is its block of a, in L2.
      let deepest =
        problem.m <= tileRows
        ? caches.l2.count / 2 / (problem.m * 4) : max(64, caches.l1.count / 2 / bytesPerDepth)
      // Equal cuts, so that the last one is not a sliver.
      let cuts = (problem.k + deepest - 1) / deepest
      depth = min(roundUp(problem.k, to: 8), roundUp((problem.k + cuts - 1) / cuts, to: 8))
      // Half of L2 for the block of a: panels of b stream through the other half.
      let tallest = max(tileRows, caches.l2.count / 2 / (depth * 4) / tileRows * tileRows)
      let stacks = (problem.m + tallest - 1) / tallest
      rows = min(
        roundUp(problem.m, to: tileRows), roundUp((problem.m + stacks - 1) / stacks, to: tileRows))
    }

    /// The rows of each tile of a block: as equal as they come, since a tile of few rows waits for
    /// its loads.
    static func tile(_ index: Int, of rows: Int, tileRows: Int) -> Range<Int> {
      let tiles = (rows + tileRows - 1) / tileRows
      return index * rows / tiles..<(index + 1) * rows / tiles
    }
  }
}
