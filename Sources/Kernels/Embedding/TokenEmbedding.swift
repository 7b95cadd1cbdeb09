package import Quantities

/// Rows of a table by the ids of tokens; and the way back.
///
///     y[t, ·] = table[ids[t], ·],  dtable[i, ·] += Σ dy[t, ·] over the t with ids[t] = i
///
/// - Shapes: `ids` are 32-bit whole numbers; `table` and `dtable` are vocabulary × columns in fp32, `y` is
///   tokens × columns as activations are stored, `dy` in fp32.
/// - Work: reads and writes a row a token.
/// - Error: none forward; backward as many roundings as a token occurs.
package struct TokenEmbedding {
  package let columns: Int
  package let activations: FloatFormat
  private let pool: ThreadPool

  package init(columns: Int, activations: FloatFormat = .fp32, pool: ThreadPool) {
    self.columns = columns
    self.activations = activations
    self.pool = pool
  }

  /// Writes `y`.
  package func forward(
    _ ids: UnsafePointer<Int32>, tokens: Int, table: UnsafePointer<Float>,
    to y: UnsafeMutableRawPointer
  ) {
    pool.share(tokens, least: 32) { own, _ in
      for token in own {
        let row = table + Int(ids[token]) * columns
        switch activations {
        case .fp32:
          (y.assumingMemoryBound(to: Float.self) + token * columns).update(
            from: row, count: columns)
        case .fp16:
          let to = y.assumingMemoryBound(to: UInt16.self) + token * columns
          for column in 0..<columns { to[column] = Float16Bits.bits(row[column]) }
        case .bf16:
          let to = y.assumingMemoryBound(to: UInt16.self) + token * columns
          for column in 0..<columns { to[column] = BFloat16Bits.bits(row[column]) }
        }
      }
    }
  }

  /// Adds to the table's gradient: each thread has columns of its own, and goes through all tokens in their
  /// order. Rows of tokens that do not occur are not touched.
  package func backward(
    _ ids: UnsafePointer<Int32>, tokens: Int, dy: UnsafePointer<Float>,
    to dtable: UnsafeMutablePointer<Float>
  ) {
    pool.share(columns, grain: 16, least: 32) { own, _ in
      for token in 0..<tokens {
        let row = dtable + Int(ids[token]) * columns
        let from = dy + token * columns
        for column in own { row[column] += from[column] }
      }
    }
  }
}
