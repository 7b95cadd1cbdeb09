import Quantities

/// A step of decoding: attention of one new token, or a few, of each sequence to all that came before,
/// with a cache of their keys and values or without.
///
///     o[t, h] = Σ softmax(q[t, h] · k[s, h / group] / √head-dim) · v[s, h / group], over the s that t sees
///
/// - Shapes: `q` and `o` are new tokens × heads × head-dim, sequence after sequence, and new keys and
///   values new tokens × kv-heads × head-dim, all in fp32. A call stores the new keys and values in the
///   cache and attends to the context and to them, each new token to those up to its own.
/// - Without a cache, `hidden` is all tokens × (heads · head-dim), sequence after sequence, and the weights
///   of keys and of values are (kv-heads · head-dim) × (heads · head-dim), in fp32, as is `q` for all
///   tokens: a call projects the keys and values of all tokens, rotates them, and runs the attention of
///   all; the new tokens' is `o`.
/// - Work: with a cache, 4·head-dim flops for each pair of a query and a key that it sees, and the cache
///   read once, in whole numbers where keys and values are quantized; without, the projections and the
///   attention of all tokens.
/// - Error: as of `AttentionPrefill`; with a quantized cache of keys queries are rounded to 8 bits, and
///   with one of values weights to 16.
/// - Source: Pope et al., "Efficiently Scaling Transformer Inference" (2022); Dao et al.,
///   "Flash-Decoding for long-context inference" (2023).
package struct AttentionDecode: Hashable, Sendable {
  package let heads: Int
  package let kvHeads: Int
  package let headDim: Int
  /// Tokens that each sequence has before the step.
  package let contexts: [Int]
  /// Of each sequence.
  package let newTokens: Int
  package let mask: AttentionMask
  package let rotary: Rotary
  package let instructions: InstructionSet

  /// Takes the shape as it is: `heads` must be a multiple of `kvHeads`, and the contexts are one a sequence.
  package init(
    heads: Int, kvHeads: Int, headDim: Int, contexts: [Int], newTokens: Int = 1,
    mask: AttentionMask = .causal, rotary: Rotary = .none, instructions: InstructionSet
  ) {
    self.heads = heads
    self.kvHeads = kvHeads
    self.headDim = headDim
    self.contexts = contexts
    self.newTokens = newTokens
    self.mask = mask
    self.rotary = rotary
    self.instructions = instructions
  }

  var batch: Int { contexts.count }
  /// Heads of queries for each of keys.
  var group: Int { heads / kvHeads }
  var scale: Double { 1 / Double(headDim).squareRoot() }
  var hidden: Int { heads * headDim }
  /// Queries of one head of keys of one sequence: new token after new token.
  var rows: Int { newTokens * group }
  /// All tokens at the end of the step.
  package var tokens: Int { contexts.reduce(0) { $0 + $1 + newTokens } }
  /// All tokens of the longest sequence.
  package var longest: Int { (contexts.max() ?? 0) + newTokens }
  /// From the first new token's of the shortest to the last of the longest.
  package var newPositions: Range<Int> { (contexts.min() ?? 0)..<longest }

  /// Makes the kernel of a step against a cache that has places for the new tokens.
  ///
  /// - Parameters:
  ///   - newK: new tokens × kv-heads × head-dim, as is `newV`.
  ///   - sequences: of the cache, in the order of the contexts.
  /// - Throws: `LedgerFault` where workspace does not fit; `CacheFault.noSequence`.
  package func kernel(
    q: Tensor, newK: Tensor, newV: Tensor, o: Tensor, cache: KVCache, sequences: [Int],
    _ execution: Execution
  ) throws -> any Kernel {
    try CachedAttentionKernel(
      self, .init(q: q, newK: newK, newV: newV, o: o, cache: cache, sequences: sequences),
      execution)
  }

  /// Makes the kernel of a step without a cache.
  ///
  /// - Parameters:
  ///   - q: of all tokens.
  ///   - hidden: all tokens × (heads · head-dim).
  ///   - keyWeights: (kv-heads · head-dim) × (heads · head-dim), as are `valueWeights`.
  /// - Throws: `LedgerFault` where packed weights or workspace do not fit.
  package func kernelWithoutCache(
    q: Tensor, hidden: Tensor, keyWeights: Tensor, valueWeights: Tensor, o: Tensor,
    _ execution: Execution
  ) throws -> any Kernel {
    try RecomputedAttention(
      self, q: q, hidden: hidden, keyWeights: keyWeights, valueWeights: valueWeights, o: o,
      execution)
  }
}
