import CMicrokernels
import Quantities

extension AttentionPrefill.TiledKernel {
  /// Whether a tile would be all but empty: each row is then done by itself, with the keys it sees alone,
  /// and nothing is turned on its side. A row took 2.5 times as long a pair as a full tile (Ice Lake
  /// server, heads of 64 and 128).
  ///
  /// - Parameter columns: queries of a tile.
  static func isFew(_ problem: AttentionPrefill.Problem, columns: Int) -> Bool {
    guard problem.tokens <= Int(HR_FEW_KEYS), problem.rotary.isNone, problem.mask.value != .blocks
    else { return false }
    let tiled =
      problem.batch * problem.kvHeads * roundUp(problem.tokens * problem.group, to: columns)
      * problem.tokens
    return problem.tokens == 1 || 5 * problem.pairs <= 2 * tiled
  }

  /// Keys and values of a head lie as far apart as all heads are long: side by side they stay in the
  /// first cache, whose sets they would share otherwise.
  func attendRows(of share: Share, _ space: UnsafeMutablePointer<Float>) {
    let (depth, group, tokens) = (problem.headDim, problem.group, problem.tokens)
    let rowBytes = problem.precision.bytes(of: depth).count
    let (keys, values) = (
      UnsafeMutableRawPointer(space + tiling.keys), UnsafeMutableRawPointer(space + tiling.values)
    )
    let first = share.batch * tokens
    for token in 0..<tokens {
      let place = ((first + token) * problem.kvHeads + share.kvHead) * depth
      (keys + token * rowBytes).copyMemory(
        from: element(operands.k, place), byteCount: rowBytes)
      (values + token * rowBytes).copyMemory(
        from: element(operands.v, place), byteCount: rowBytes)
    }
    let rows = share.tiles.lowerBound * tiling.columns..<share.tiles.upperBound * tiling.columns
    for row in rows.clamped(to: 0..<tokens * group) {
      let (token, head) = (row / group, share.kvHead * group + row % group)
      let seen = problem.mask.value.stretch(from: token, of: tokens)
      let query = ((first + token) * problem.heads + head) * depth
      loops.attend_row(
        element(operands.q, query), keys + seen.lowerBound * rowBytes,
        values + seen.lowerBound * rowBytes, Int64(depth), Int32(seen.count), Int64(depth), scale,
        operands.o.pointer(to: Float.self) + query)
    }
  }
}
