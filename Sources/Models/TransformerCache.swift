import Kernels
import Quantities

/// A model's cache with what came before, places for all that will come, and what stores them.
struct TransformerCache {
  let cache: KVCache
  let sequences: [Int]
  /// Of all positions that queries and keys will have; nil where nothing is rotated.
  let table: RotaryTable?
  let store: CacheStore

  init(
    _ shape: ModelShape, _ run: DecoderRun, seed: UInt64, _ buffers: TransformerBuffers,
    _ instructions: InstructionSet, _ execution: Execution
  ) throws {
    let ledger = execution.ledger
    let cache = try KVCache(layout: run.cacheLayout(shape), pages: run.pages(shape), in: ledger)
    let length = shape.layers * shape.kvHeads * shape.headDim
    sequences = try (0..<run.batch).map { index in
      let sequence = cache.addSequence()
      try cache.fill(sequence, tokens: run.depth, chunk: 16) { tokens in
        let numbers = tokens.lowerBound * length..<tokens.upperBound * length
        return (
          run.before(numbers, sequence: index, isKey: true, seed: seed),
          run.before(numbers, sequence: index, isKey: false, seed: seed)
        )
      }
      _ = try cache.reserve(run.longest - run.depth, for: sequence)
      return sequence
    }
    self.cache = cache
    table =
      run.rotary.isNone
      ? nil
      : try RotaryTable(
        run.rotary, headDim: shape.headDim, positions: 0..<run.longest,
        instructions: instructions, in: ledger)
    store = try CacheStore(
      kvHeads: shape.kvHeads, headDim: shape.headDim, sequences: run.batch,
      writer: CacheWriter(
        cache: cache, sequences: sequences, instructions: instructions, table: table),
      tokens: buffers.attentionTokens, execution)
  }
}
