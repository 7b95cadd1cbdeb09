import CMicrokernels
import Glibc
import Quantities

/// Scores of a tile of queries with a tile of keys at a time: what softmax needs of those before is
/// their largest and their sum, so that memory grows with the tokens and not with their square.
///
/// - Source: Milakov and Gimelshein, "Online normalizer calculation for softmax" (2018); Dao et al.,
///   "FlashAttention" (2022). A query is a lane here, so that nothing of softmax crosses lanes; and the
///   heads that share a key are rows of one tile.
final class TiledAttention: Kernel, ParallelTask {
  private let prototype: Prototype
  let shape: AttentionPrefill
  let tensors: AttentionPrefill.Tensors
  let loops: hr_attention_kernels
  private let products: hr_matmul_kernels
  private let table: RotaryTable?
  let tiling: Tiling
  private let pool: ThreadPool
  private let workspace: Allocation
  private let shares: [[Share]]
  private let isRowByRow: Bool

  /// Tiles of one group of heads that a thread has.
  struct Share {
    let batch: Int
    let kvHead: Int
    let tiles: Range<Int>
  }

  /// All but the tensors: kernels that run one after the other share it.
  struct Prototype {
    let shape: AttentionPrefill
    let loops: hr_attention_kernels
    let products: hr_matmul_kernels
    let table: RotaryTable?
    let tiling: Tiling
    let pool: ThreadPool
    let workspace: Allocation
    let shares: [[Share]]
    let isRowByRow: Bool

    /// - Parameter keepsLogSums: whether kernels write the logarithms of their sums.
    init(_ shape: AttentionPrefill, keepsLogSums: Bool, _ execution: Execution) throws {
      let instructions = shape.instructions
      self.shape = shape
      loops = instructions.attention(shape.precision)
      products = instructions.attentionMatmul(shape.precision)
      pool = execution.pool
      isRowByRow =
        !keepsLogSums && TiledAttention.isRowByRow(shape, columns: Int(loops.columns))
      tiling = Tiling(shape, loops, products)
      table =
        shape.rotary.isNone
        ? nil
        : try RotaryTable(
          shape.rotary, headDim: shape.headDim, positions: 0..<shape.tokens,
          loop: instructions.rope(shape.precision), in: execution.ledger)
      workspace = try execution.ledger.allocate(
        tiling.bytes(threads: pool.threads), role: .workspace)
      // As many pairs are done while another thread is told to begin.
      let isShort = isRowByRow && shape.pairs < 64
      shares =
        execution.isPlan
        ? [] : TiledAttention.shares(shape, tiling, parts: isShort ? 1 : pool.threads)
    }
  }

  init(_ prototype: Prototype, _ tensors: AttentionPrefill.Tensors) {
    self.prototype = prototype
    (shape, loops, products) = (prototype.shape, prototype.loops, prototype.products)
    (table, tiling, pool) = (prototype.table, prototype.tiling, prototype.pool)
    (workspace, shares, isRowByRow) = (
      prototype.workspace, prototype.shares, prototype.isRowByRow
    )
    self.tensors = tensors
  }

  func copy(in ledger: MemoryLedger) throws -> (any Kernel)? {
    TiledAttention(prototype, try tensors.copy(in: ledger))
  }

  /// Stretches of all tiles that cost about the same: later queries see more keys.
  private static func shares(_ shape: AttentionPrefill, _ tiling: Tiling, parts: Int) -> [[Share]] {
    let tiles = (tiling.rows + tiling.columns - 1) / tiling.columns
    let costs = (0..<tiles).map { tile -> Int in
      let token = min(tiling.rows - 1, (tile + 1) * tiling.columns - 1) / shape.group
      let stretch = shape.mask.stretch(from: token, of: shape.tokens)
      return stretch.count + tiling.keyTile
    }
    let whole = costs.reduce(0, +)
    let groups = shape.batch * shape.kvHeads
    var shares = Array(repeating: [Share](), count: parts)
    for group in 0..<groups {
      var before = group * whole
      var start = 0
      for tile in 0..<tiles {
        let part = min(parts - 1, before * parts / (groups * whole))
        before += costs[tile]
        let next = min(parts - 1, before * parts / (groups * whole))
        guard next != part || tile == tiles - 1 else { continue }
        shares[part].append(
          Share(
            batch: group / shape.kvHeads, kvHead: group % shape.kvHeads,
            tiles: start..<tile + 1))
        start = tile + 1
      }
    }
    return shares
  }

  func run() {
    if shares.count == 1 { run(part: 0, of: 1) } else { pool.run(self) }
  }

  func run(part: Int, of parts: Int) {
    let space = (workspace.start + part * tiling.bytes.count).assumingMemoryBound(to: Float.self)
    if isRowByRow {
      for share in shares[part] { attendRows(of: share, space) }
    } else {
      for share in shares[part] { attend(share, space) }
    }
  }

  private func attend(_ share: Share, _ space: UnsafeMutablePointer<Float>) {
    let rows =
      share.tiles.lowerBound
      * tiling.columns..<min(tiling.rows, share.tiles.upperBound * tiling.columns)
    (space + tiling.maxima).update(repeating: -1e30, count: tiling.rows + tiling.columns)
    (space + tiling.totals).update(repeating: 0, count: tiling.rows + tiling.columns)
    let seen = stretch(of: rows)
    let start = seen.lowerBound / tiling.stretch * tiling.stretch
    for from in stride(from: start, through: seen.upperBound, by: tiling.stretch) {
      let keys = from..<min(from + tiling.stretch, seen.upperBound + 1)
      pack(keys, of: share, into: space)
      for tile in share.tiles { attend(tile, to: keys, of: share, space) }
    }
    keepLogSums(of: share, rows, space)
  }

  /// Largest scores and sums of exponentials are there when all keys were gone through.
  private func keepLogSums(
    of share: Share, _ rows: Range<Int>, _ space: UnsafeMutablePointer<Float>
  ) {
    guard let logSums = tensors.logSums else { return }
    let to =
      logSums.pointer(to: Float.self)
      + (share.batch * shape.kvHeads + share.kvHead) * tiling.rows
    for row in rows { to[row] = space[tiling.maxima + row] + log2f(space[tiling.totals + row]) }
  }

  /// Keys that any of these rows sees.
  private func stretch(of rows: Range<Int>) -> ClosedRange<Int> {
    let mask = shape.mask
    let first = mask.stretch(from: rows.lowerBound / shape.group, of: shape.tokens)
    let last = mask.stretch(from: (rows.upperBound - 1) / shape.group, of: shape.tokens)
    return first.lowerBound...last.upperBound
  }

  /// Keys as rows of tiles, values as columns of them: one key tile after the other.
  private func pack(_ keys: Range<Int>, of share: Share, into space: UnsafeMutablePointer<Float>) {
    let headDim = shape.headDim
    let rowStride = shape.kvHeads * headDim
    let tileRows = Int(products.tile_rows)
    let lines = Int64((shape.precision.bytes(of: headDim).count + 63) / 64)
    for from in stride(from: keys.lowerBound, to: keys.upperBound, by: tiling.keyTile) {
      let keyTile = from..<min(from + tiling.keyTile, keys.upperBound)
      let place = (share.batch * shape.tokens + from) * shape.kvHeads + share.kvHead
      let offset = from - keys.lowerBound
      for index in 0..<(keyTile.count + tileRows - 1) / tileRows {
        let tile = Matmul.Blocking.tile(index, of: keyTile.count, tileRows: tileRows)
        let row = tile.lowerBound
        var (keys, stride) = (element(tensors.k, place * headDim + row * rowStride), rowStride)
        if let table {
          for index in tile {
            table.rotate(
              element(tensors.k, place * headDim + index * rowStride),
              at: from + index, to: rotated(index - row, space))
          }
          (keys, stride) = (UnsafeRawPointer(rotated(0, space)), headDim)
        }
        // Rows lie apart: no processor foresees the next ones.
        let ahead = place * headDim + tile.upperBound * rowStride
        for index in 0..<tileRows {
          hr_prefetch(element(tensors.k, ahead + index * rowStride), lines, 64)
        }
        products.pack_a(
          keys, Int64(stride), space + tiling.keys + (offset + row) * (headDim + headDim % 2),
          Int64(headDim), Int32(tile.count))
      }
      loops.pack_values(
        element(tensors.v, place * headDim), Int64(rowStride), Int64(keyTile.count), Int64(headDim),
        Int32((headDim + tileRows - 1) / tileRows), space + tiling.values + offset * headDim)
    }
  }

  /// One tile of queries with the packed keys; goes on where those before left off.
  private func attend(
    _ tile: Int, to keys: Range<Int>, of share: Share, _ space: UnsafeMutablePointer<Float>
  ) {
    let first = tile * tiling.columns
    let count = min(tiling.columns, tiling.rows - first)
    let seen = stretch(of: first..<first + count)
    guard seen.overlaps(keys.lowerBound...keys.upperBound - 1) else { return }
    let headDim = shape.headDim
    let rows = hr_rows(
      first: Int64(first), count: Int32(count), group: Int32(shape.group),
      token_stride: Int64(shape.heads * headDim), head_stride: Int64(headDim))
    let place =
      (share.batch * shape.tokens * shape.heads + share.kvHead * shape.group) * headDim
    let o = tensors.o.pointer(to: Float.self) + place
    let (sums, totals) = (space + tiling.sums, space + tiling.totals + first)
    pack(rows, from: place, into: space)
    // Of key tiles, some before may not have been seen: then nothing was summed yet.
    let isFirst = max(seen.lowerBound, 0) >= keys.lowerBound
    let following = first + count..<min(tiling.rows, share.tiles.upperBound * tiling.columns)
    var queries = RowsAhead(
      following.prefix(tiling.columns), of: shape,
      from: UnsafeMutableRawPointer(mutating: element(tensors.q, place)),
      bytes: shape.precision.bytes(of: headDim).count)
    var results = RowsAhead(
      first..<first + count, of: shape, from: UnsafeMutableRawPointer(o), bytes: 4 * headDim)
    var isSummed = !isFirst
    if isSummed { loops.pack_sums(o, rows, Int64(headDim), sums) }
    for from in stride(from: keys.lowerBound, to: keys.upperBound, by: tiling.keyTile) {
      let keyTile = from..<min(from + tiling.keyTile, keys.upperBound)
      guard seen.lowerBound < keyTile.upperBound, seen.upperBound >= from else { continue }
      attend(
        first..<first + count, to: keyTile, offset: from - keys.lowerBound, space, &queries,
        &results, &isSummed)
    }
    if !isSummed { sums.update(repeating: 0, count: headDim * tiling.columns) }
    let isLast = seen.upperBound < keys.upperBound
    loops.unpack_rows(sums, isLast ? totals : nil, rows, Int64(headDim), o)
  }

  /// A tile's queries, rotated on their way.
  private func pack(
    _ rows: hr_rows, from place: Int, into space: UnsafeMutablePointer<Float>
  ) {
    let headDim = shape.headDim
    guard let table else {
      loops.pack_rows(
        element(tensors.q, place), rows, Int64(headDim), space + tiling.queries)
      return
    }
    for index in 0..<Int(rows.count) {
      let row = Int(rows.first) + index
      let (token, head) = (row / shape.group, row % shape.group)
      table.rotate(
        element(tensors.q, place + (token * shape.heads + head) * headDim), at: token,
        to: rotated(index, space))
    }
    loops.pack_rows(
      rotated(0, space),
      hr_rows(
        first: 0, count: rows.count, group: 1, token_stride: Int64(headDim), head_stride: 0),
      Int64(headDim), space + tiling.queries)
  }

  /// Where a row lies that was rotated, as it is stored.
  private func rotated(_ row: Int, _ space: UnsafeMutablePointer<Float>)
    -> UnsafeMutableRawPointer
  {
    UnsafeMutableRawPointer(space + tiling.rotated)
      + shape.precision.bytes(of: row * shape.headDim).count
  }

  /// One tile of keys: scores, their exponentials, and the values that these weigh.
  ///
  /// - Parameter isSummed: whether there are sums from key tiles before; afterwards there are.
  private func attend(
    _ rows: Range<Int>, to keyTile: Range<Int>, offset: Int, _ space: UnsafeMutablePointer<Float>,
    _ queries: inout RowsAhead, _ results: inout RowsAhead, _ isSummed: inout Bool
  ) {
    let (headDim, columns, tileRows) = (shape.headDim, tiling.columns, Int(products.tile_rows))
    let limits = integers(tiling.limits, space)
    guard let isWhole = limit(rows, to: keyTile, space) else { return }
    let (ends, lanes) = (integers(tiling.ends, space), Int(loops.lanes))
    let vectors = (rows.count + lanes - 1) / lanes
    let (scores, sums) = (space + tiling.scores, space + tiling.sums)
    let packed = headDim + headDim % 2
    for index in 0..<(keyTile.count + tileRows - 1) / tileRows {
      let tile = Matmul.Blocking.tile(index, of: keyTile.count, tileRows: tileRows)
      guard
        let vector = (0..<vectors).first(where: { Int(ends[$0]) > tile.lowerBound })
      else { break }
      products.multiply(
        space + tiling.keys + (offset + tile.lowerBound) * packed,
        space + tiling.queries + vector * lanes,
        scores + tile.lowerBound * columns + vector * lanes, Int64(columns), Int64(headDim),
        Int32(tile.count), Int32((vectors - vector) * lanes), 0, 0)
      queries.prefetchTwo(toWrite: false)
    }
    if !isWhole { loops.mask(scores, ends, limits, limits + columns) }
    let first = rows.lowerBound
    loops.softmax(
      scores, ends, scale, space + tiling.maxima + first, space + tiling.totals + first,
      space + tiling.factors)
    if isSummed {
      loops.scale(sums, Int64(headDim), space + tiling.factors, Int32(vectors * lanes))
    }
    for tile in 0..<(headDim + tileRows - 1) / tileRows {
      let width = Matmul.Blocking.tile(tile, of: headDim, tileRows: tileRows)
      let values = space + tiling.values + offset * headDim + width.lowerBound * keyTile.count
      // A tile's first row sees the first key tile that any sees: its product begins all sums.
      var from = 0
      for vector in 0..<vectors where Int(ends[vector]) > from {
        products.multiply(
          values + from * width.count, scores + from * columns + vector * lanes,
          sums + width.lowerBound * columns + vector * lanes, Int64(columns),
          Int64(Int(ends[vector]) - from), Int32(width.count),
          Int32((vectors - vector) * lanes), isSummed || from > 0 ? 1 : 0, 0)
        from = Int(ends[vector])
      }
      results.prefetchTwo(toWrite: true)
    }
    isSummed = true
  }

  private func integers(_ offset: Int, _ space: UnsafeMutablePointer<Float>)
    -> UnsafeMutablePointer<Int32>
  {
    UnsafeMutableRawPointer(space + offset).assumingMemoryBound(to: Int32.self)
  }

  /// The first and last key of a key tile that each column sees, and where those end that a vector of
  /// columns or one before it sees.
  ///
  /// - Returns: whether all are known to see all of it; nothing where none sees any.
  private func limit(
    _ rows: Range<Int>, to keyTile: Range<Int>, _ space: UnsafeMutablePointer<Float>
  ) -> Bool? {
    let mask = shape.mask
    let (limits, ends) = (integers(tiling.limits, space), integers(tiling.ends, space))
    let (lanes, columns) = (Int(loops.lanes), tiling.columns)
    let vectors = (rows.count + lanes - 1) / lanes
    ends.update(repeating: 0, count: columns / lanes)
    let low = mask.stretch(from: (rows.upperBound - 1) / shape.group, of: shape.tokens)
    let high = mask.stretch(from: rows.lowerBound / shape.group, of: shape.tokens)
    if mask != .blocks, low.lowerBound <= keyTile.lowerBound,
      high.upperBound >= keyTile.upperBound - 1
    {
      ends.update(repeating: Int32(keyTile.count), count: vectors)
      return true
    }
    var end: Int32 = 0
    var (token, head) = rows.lowerBound.quotientAndRemainder(dividingBy: shape.group)
    var seen = stretch(of: keyTile, from: token)
    for column in 0..<vectors * lanes {
      (limits[column], limits[columns + column]) = (seen.first, seen.last)
      end = max(end, seen.last + 1)
      ends[column / lanes] = end
      // Columns beyond the rows repeat the last one.
      guard column + 1 < rows.count else { continue }
      head += 1
      if head == shape.group {
        (token, head) = (token + 1, 0)
        seen = stretch(of: keyTile, from: token)
      }
    }
    // A few keys fewer are not worth a product of their own.
    for vector in (0..<vectors - 1).reversed()
    where ends[vector + 1] - ends[vector] < products.tile_rows {
      ends[vector] = ends[vector + 1]
    }
    return end == 0 ? nil : false
  }

  /// The first and the last key of a key tile that a token sees, counted from the tile's first; 0 and −1
  /// where it sees none.
  private func stretch(of keyTile: Range<Int>, from token: Int) -> (first: Int32, last: Int32) {
    let mask = shape.mask
    let size = AttentionMask.blockTokens
    let stretch = mask.stretch(from: token, of: shape.tokens)
    let first = max(stretch.lowerBound, keyTile.lowerBound)
    let last = min(stretch.upperBound, keyTile.upperBound - 1)
    guard first <= last,
      mask != .blocks || AttentionMask.seesBlock(keyTile.lowerBound / size, from: token / size)
    else { return (0, -1) }
    return (Int32(first - keyTile.lowerBound), Int32(last - keyTile.lowerBound))
  }

  /// Of scores whose exponentials are powers of 2.
  var scale: Float { Float(shape.scale * 1.442695040888963) }

  func element(_ tensor: Tensor, _ index: Int) -> UnsafeRawPointer {
    UnsafeRawPointer(tensor.start + tensor.elementType.bytes(of: index).count)
  }
}
