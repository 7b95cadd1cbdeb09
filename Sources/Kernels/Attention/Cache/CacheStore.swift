package import Quantities

/// Stores the keys and values of a prompt that has attended to itself.
package final class CacheStore: ParallelTask {
  private let kvHeads: Int
  private let headDim: Int
  private let sequences: Int
  private let writer: CacheWriter
  private let tokens: CachedAttention.Tokens
  private let pool: ThreadPool
  /// A rotated key for each thread.
  private let scratch: Allocation
  private var positions = 0..<0
  private var firstHead = 0

  /// Takes a rotated key for each thread as workspace.
  ///
  /// - Parameters:
  ///   - kvHeads: of one layer; the cache may hold those of all.
  ///   - tokens: where each run finds its new keys and values, sequence after sequence.
  /// - Throws: `LedgerFault` where the workspace does not fit.
  package init(
    kvHeads: Int, headDim: Int, sequences: Int, writer: CacheWriter,
    tokens: CachedAttention.Tokens, _ execution: Execution
  ) throws {
    self.kvHeads = kvHeads
    self.headDim = headDim
    self.sequences = sequences
    self.writer = writer
    self.tokens = tokens
    pool = execution.pool
    scratch = try execution.ledger.allocate(
      Self.workspaceBytes(headDim: headDim, threads: pool.threads), role: .workspace)
  }

  /// Bytes of the rotated keys.
  package static func workspaceBytes(headDim: Int, threads: Int) -> Bytes {
    Bytes(4 * roundUp(headDim, to: 16) * threads)
  }

  /// Stores one layer's new tokens; their places must have been reserved.
  ///
  /// - Parameters:
  ///   - positions: those of the new tokens, the same in each sequence.
  ///   - firstHead: the layer's first head in the cache.
  package func run(_ positions: Range<Int>, firstHead: Int) {
    self.positions = positions
    self.firstHead = firstHead
    pool.run(self)
  }

  package func run(part: Int, of parts: Int) {
    let key = scratch.start.assumingMemoryBound(to: Float.self) + part * roundUp(headDim, to: 16)
    for unit in split(sequences * kvHeads, part: part, of: parts) {
      let (sequence, head) = (unit / kvHeads, unit % kvHeads)
      for (token, position) in positions.enumerated() {
        let row = sequence * positions.count + token
        let offset = (row * kvHeads + head) * headDim
        writer.store(
          key: tokens.newK + offset, value: tokens.newV + offset, sequence: sequence,
          head: firstHead + head, token: position, scratch: key)
      }
    }
  }
}
