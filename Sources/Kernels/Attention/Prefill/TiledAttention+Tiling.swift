import CMicrokernels
package import Quantities

extension TiledAttention {
  /// How attention is cut: tiles of queries, and stretches of keys and values that are packed once for
  /// all tiles of a thread and stay in its cache while they are gone through.
  struct Tiling: Hashable {
    /// Queries of a tile, one a lane.
    let columns: Int
    /// Keys whose scores a tile holds at once: they and the tile's sums share the first cache.
    let keyTile: Int
    /// Keys that are packed together: a whole number of key tiles.
    let stretch: Int
    /// The maximum number of rows of one group of heads that a thread has.
    let rows: Int
    private let headDim: Int
    private let tileRows: Int
    private let isRotated: Bool

    init(
      _ shape: AttentionPrefill, _ loops: hr_attention_kernels, _ products: hr_matmul_kernels
    ) {
      columns = Int(loops.columns)
      headDim = shape.headDim
      tileRows = Int(products.tile_rows)
      isRotated = !shape.rotary.isNone
      keyTile =
        shape.mask == .blocks ? AttentionMask.blockTokens : 128 / tileRows * tileRows
      // Half a mebibyte for keys and values: with the rest it stays in a second cache of one.
      let maxKeys = (512 << 10) / (2 * 4 * shape.headDim)
      let keyTiles = (shape.tokens + keyTile - 1) / keyTile
      stretch = max(1, min(keyTiles, maxKeys / keyTile)) * keyTile
      rows = shape.tokens * shape.group
    }

    // A thread's workspace, in floats from its start; each stretch begins with a line of the cache.
    private static func line(_ floats: Int) -> Int { (floats + 15) / 16 * 16 }
    var keys: Int { 0 }
    /// Packed rows have one value more where the head dimension is odd.
    var values: Int { keys + Self.line(stretch * (headDim + headDim % 2)) }
    var queries: Int { values + Self.line(stretch * headDim) }
    var scores: Int { queries + Self.line(columns * headDim) }
    var sums: Int { scores + Self.line(columns * keyTile) }
    var factors: Int { sums + Self.line(columns * headDim) }
    /// First and last key of each column.
    var limits: Int { factors + Self.line(columns) }
    /// Of each vector of columns, where the keys end that it sees.
    var ends: Int { limits + Self.line(2 * columns) }
    /// Of each row: the largest score, and the sum of the exponentials.
    var maxima: Int { ends + Self.line(columns) }
    var totals: Int { maxima + Self.line(rows + columns) }
    /// Rows that were rotated, of keys or of queries.
    var rotated: Int { totals + Self.line(rows + columns) }
    private var end: Int { rotated + (isRotated ? Self.line(max(columns, tileRows) * headDim) : 0) }

    var bytes: Bytes { Bytes(4 * end) }
    func bytes(threads: Int) -> Bytes { bytes * threads }
  }
}

extension AttentionPrefill {
  /// Bytes of what the kernel that goes by tiles needs besides its operands and a table of rotations.
  package func workspaceBytes(threads: Int) -> Bytes {
    TiledAttention.Tiling(
      self, instructions.attention(precision), instructions.attentionMatmul(precision)
    ).bytes(threads: threads)
  }

  /// Bytes of the table of rotations that its kernel makes; none where nothing is rotated.
  package var tableBytes: Bytes {
    rotary.isNone ? .zero : RotaryTable.bytes(positions: tokens, headDim: headDim)
  }
}
