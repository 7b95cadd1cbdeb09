import Quantities

extension Matmul {
  /// How a large product is cut so that each level of cache is read many times over.
  ///
  /// A panel of `b`, `depth` × tile columns, stays in L1 while the tiles of one block of `a` pass
  /// over it; the block of `a`, `rows` × `depth`, stays in L2 while all panels of `b` pass over
  /// it (Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008).
  struct Blocking: Hashable {
    let depth: Int
    let rows: Int

    init(
      problem: Problem, tileRows: Int, tileColumns: Int, caches: CacheSizes = .current
    ) {
      // Half of L1 for the panel of b: the other half takes the panel of a that streams past it,
      // which is less than half as wide, and the tile of c.
      let deepest = max(64, caches.l1.count / 2 / (tileColumns * 4))
      // Equal cuts, so that the last one is not a sliver.
      let cuts = (problem.k + deepest - 1) / deepest
      depth = min(problem.k, roundUp((problem.k + cuts - 1) / cuts, to: 8))
      // Half of L2 for the block of a: panels of b stream through the other half.
      let tallest = max(tileRows, caches.l2.count / 2 / (depth * 4) / tileRows * tileRows)
      let stacks = (problem.m + tallest - 1) / tallest
      rows = min(
        roundUp(problem.m, to: tileRows), roundUp((problem.m + stacks - 1) / stacks, to: tileRows))
    }
  }
}
