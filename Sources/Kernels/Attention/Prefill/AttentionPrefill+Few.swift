import CMicrokernels
import Quantities

extension AttentionPrefill.TiledKernel {
  /// Whether a tile would be all but empty: each row is then done by itself, and nothing is packed.
  static func isFew(_ problem: AttentionPrefill.Problem) -> Bool {
    problem.tokens <= Int(HR_FEW_KEYS) && problem.tokens * problem.tokens * problem.group <= 64
      && problem.rotary.isNone && problem.mask.value != .blocks
  }

  func attendRows(of share: Share) {
    let (depth, group) = (problem.headDim, problem.group)
    let rows = share.tiles.lowerBound * tiling.columns..<share.tiles.upperBound * tiling.columns
    for row in rows.clamped(to: 0..<problem.tokens * group) {
      let (token, head) = (row / group, share.kvHead * group + row % group)
      let seen = problem.mask.value.stretch(from: token, of: problem.tokens)
      let first = share.batch * problem.tokens
      let query = ((first + token) * problem.heads + head) * depth
      let key = ((first + seen.lowerBound) * problem.kvHeads + share.kvHead) * depth
      loops.attend_row(
        element(operands.q, query), element(operands.k, key), element(operands.v, key),
        Int64(problem.kvHeads * depth), Int32(seen.count), Int64(depth), scale,
        operands.o.pointer(to: Float.self) + query)
    }
  }
}
