import CMicrokernels
import Quantities

extension TiledAttention {
  /// Whether a tile would be all but empty: each row is then done by itself, with the keys it sees alone,
  /// and nothing is transposed. A row took 2.5 times as long a pair as a full tile (Ice Lake
  /// server, heads of 64 and 128).
  ///
  /// - Parameter columns: queries of a tile.
  static func isRowByRow(_ shape: AttentionPrefill, columns: Int) -> Bool {
    guard shape.tokens <= Int(HR_FEW_KEYS), shape.rotary.isNone, shape.mask != .blocks
    else { return false }
    let tiled =
      shape.batch * shape.kvHeads * roundUp(shape.tokens * shape.group, to: columns)
      * shape.tokens
    return shape.tokens == 1 || 5 * shape.pairs <= 2 * tiled
  }

  func attendRows(of share: Share, _ space: UnsafeMutablePointer<Float>) {
    let (headDim, group, tokens) = (shape.headDim, shape.group, shape.tokens)
    let first = share.batch * tokens
    let seen = seen(of: share, space)
    let rows = share.tiles.lowerBound * tiling.columns..<share.tiles.upperBound * tiling.columns
    for row in rows.clamped(to: 0..<tokens * group) {
      let (token, head) = (row / group, share.kvHead * group + row % group)
      let stretch = shape.mask.stretch(from: token, of: tokens)
      let query = ((first + token) * shape.heads + head) * headDim
      let skipped = shape.precision.bytes(of: stretch.lowerBound * seen.stride).count
      loops.attend_row(
        element(tensors.q, query), seen.keys + skipped, seen.values + skipped,
        Int64(seen.stride), Int32(stretch.count), Int64(headDim), scale,
        tensors.o.pointer(to: Float.self) + query)
    }
  }

  /// Keys and values of a share's head, token after token. They lie as far apart as all heads are long:
  /// where many rows read them they are laid side by side first, to stay in the first cache, whose sets
  /// they would share otherwise.
  private func seen(
    of share: Share, _ space: UnsafeMutablePointer<Float>
  ) -> (keys: UnsafeRawPointer, values: UnsafeRawPointer, stride: Int) {
    let (headDim, tokens) = (shape.headDim, shape.tokens)
    let stride = shape.kvHeads * headDim
    let first = share.batch * tokens * stride + share.kvHead * headDim
    guard tokens > 4 else {
      return (element(tensors.k, first), element(tensors.v, first), stride)
    }
    let rowBytes = shape.precision.bytes(of: headDim).count
    let (keys, values) = (
      UnsafeMutableRawPointer(space + tiling.keys), UnsafeMutableRawPointer(space + tiling.values)
    )
    for token in 0..<tokens {
      (keys + token * rowBytes).copyMemory(
        from: element(tensors.k, first + token * stride), byteCount: rowBytes)
      (values + token * rowBytes).copyMemory(
        from: element(tensors.v, first + token * stride), byteCount: rowBytes)
    }
    return (UnsafeRawPointer(keys), UnsafeRawPointer(values), headDim)
  }
}
