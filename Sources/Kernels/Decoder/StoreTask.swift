import Quantities

/// Stores the keys and values of a prompt that has attended to itself.
final class StoreTask: ParallelTask {
  private let shape: DecoderShape
  private let batch: Int
  private let writer: CacheWriter
  private let tokens: CachedAttention.Tokens
  private let pool: ThreadPool
  /// A turned key a thread.
  private let scratch: Allocation
  private var pass = DecoderRun.Pass(first: 0, count: 0)
  private var layer = 0

  static func bytes(_ shape: DecoderShape, threads: Int) -> Bytes {
    Bytes(4 * roundUp(shape.headDim, to: 16) * threads)
  }

  init(
    shape: DecoderShape, run: DecoderRun, writer: CacheWriter, tokens: CachedAttention.Tokens,
    execution: Execution
  ) throws {
    self.shape = shape
    batch = run.batch
    self.writer = writer
    self.tokens = tokens
    pool = execution.pool
    scratch = try execution.ledger.allocate(
      Self.bytes(shape, threads: pool.threads), role: .workspace)
  }

  func run(_ pass: DecoderRun.Pass, layer: Int) {
    self.pass = pass
    self.layer = layer
    pool.run(self)
  }

  func run(part: Int, of parts: Int) {
    let key =
      scratch.start.assumingMemoryBound(to: Float.self) + part * roundUp(shape.headDim, to: 16)
    for unit in split(batch * shape.kvHeads, part: part, of: parts) {
      let (sequence, head) = (unit / shape.kvHeads, unit % shape.kvHeads)
      for token in 0..<pass.count {
        let row = sequence * pass.count + token
        let offset = (row * shape.kvHeads + head) * shape.headDim
        writer.store(
          key: tokens.newK + offset, value: tokens.newV + offset, sequence: sequence,
          head: layer * shape.kvHeads + head, token: pass.first + token, scratch: key)
      }
    }
  }
}
