package import Quantities

/// Rows of a table by the ids of tokens; and the way back.
///
///     y[t, ·] = table[ids[t], ·],  dtable[i, ·] += Σ dy[t, ·] over the t with ids[t] = i
///
/// - Shapes: `ids` are 32-bit whole numbers; `table` is vocabulary × columns in fp32 or as activations are stored,
///   `dtable` likewise in fp32; `y` is tokens × columns as activations are stored, `dy` in fp32.
/// - Work: reads and writes a row a token.
/// - Error: none forward; backward as many roundings as a token occurs.
package struct TokenEmbedding {
  package let columns: Int
  package let activations: FloatFormat
  private let table: FloatFormat
  private let pool: ThreadPool

  /// - Parameter table: fp32, or what activations are stored in.
  package init(
    columns: Int, table: FloatFormat = .fp32, activations: FloatFormat = .fp32, pool: ThreadPool
  ) {
    precondition(table == .fp32 || table == activations, "rows of a table are copied or rounded")
    self.columns = columns
    self.table = table
    self.activations = activations
    self.pool = pool
  }

  /// Writes `y`.
  package func forward(
    _ ids: UnsafePointer<Int32>, tokens: Int, table rows: UnsafeRawPointer,
    to y: UnsafeMutableRawPointer
  ) {
    let (stored, written) = (table.bytes(of: columns).count, activations.bytes(of: columns).count)
    pool.share(tokens, least: 32) { own, _ in
      for token in own {
        let (from, to) = (rows + Int(ids[token]) * stored, y + token * written)
        if table == activations {
          to.copyMemory(from: from, byteCount: written)
        } else {
          round(from.assumingMemoryBound(to: Float.self), to: to)
        }
      }
    }
  }

  private func round(_ row: UnsafePointer<Float>, to y: UnsafeMutableRawPointer) {
    let y = y.assumingMemoryBound(to: UInt16.self)
    if activations == .fp16 {
      for column in 0..<columns { y[column] = Float16Bits.bits(row[column]) }
    } else {
      for column in 0..<columns { y[column] = BFloat16Bits.bits(row[column]) }
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
