import CMicrokernels
import Quantities

extension AttentionBackward {
  /// How queries and keys are cut, and where a thread's workspace has what, in floats.
  struct Cutting {
    let headDim: Int
    let columns: Int
    let tileRows: Int
    /// Queries, and keys, of a block: whole panels.
    let queries: Int
    let keys: Int

    init(
      _ shape: AttentionPrefill, _ loops: hr_gemm_kernels, caches: CacheSizes = .current
    ) {
      headDim = shape.headDim
      columns = Int(loops.tile_columns)
      tileRows = Int(loops.tile_rows)
      let tokens = roundUp(shape.tokens, to: columns)
      queries = min(tokens, max(columns, 96 / columns * columns))
      // Scores and their gradients, what keys and values are packed to, and their gradients' sums.
      let each = 4 * (2 * queries + 5 * headDim)
      keys = min(tokens, max(columns, caches.l2.count * 3 / 4 / each / columns * columns))
    }

    private static func line(_ floats: Int) -> Int { roundUp(floats, to: 16) }
    /// A packed row has one number more where its length is odd, and columns are stored by whole vectors.
    private func rows(_ count: Int, _ length: Int) -> Int {
      Self.line(count * (length + 1) + 16)
    }

    var keyPanels: Int { 0 }
    var valuePanels: Int { keyPanels + Self.line(keys * headDim) }
    var keyRows: Int { valuePanels + Self.line(keys * headDim) }
    var keySums: Int { keyRows + rows(headDim, keys) }
    var valueSums: Int { keySums + Self.line(headDim * keys) }
    var queryRows: Int { valueSums + Self.line(headDim * keys) }
    var gradientRows: Int { queryRows + rows(queries, headDim) }
    var queryColumns: Int { gradientRows + rows(queries, headDim) }
    var gradientColumns: Int { queryColumns + rows(headDim, queries) }
    var scores: Int { gradientColumns + rows(headDim, queries) }
    var slopes: Int { scores + Self.line(queries * keys) }
    /// Of one panel of queries: gradients of scores, a key a row; and the sums of the queries' gradient.
    var turned: Int { slopes + Self.line(queries * keys) }
    var querySums: Int { turned + Self.line(keys * columns) }
    var deltas: Int { querySums + Self.line(headDim * columns) }
    var sums: Int { deltas + Self.line(queries) }
    var limits: Int { sums + Self.line(queries) }
    var floats: Int { limits + Self.line(2 * queries) }
    func bytes(threads: Int) -> Bytes { Bytes(4 * floats * threads) }
  }
}
