package import Kernels

/// What a call of a decoder does: passes over tokens, one after the other.
package struct DecoderRun: Hashable, Sendable {
  package let batch: Int
  /// Tokens that each sequence has in its cache to begin with.
  package let depth: Int
  /// Tokens that go through the layers at once, first; 0 where none do.
  package let prompt: Int
  /// Tokens that follow one by one.
  package let tokens: Int
  package let hasCache: Bool
  package let cache: CacheFormat
  package let rotary: Rotary

  /// Takes the counts as they are. Without a cache there is one pass, over `depth`, `prompt` and `tokens`
  /// together.
  package init(
    batch: Int, depth: Int, prompt: Int, tokens: Int, hasCache: Bool, cache: CacheFormat,
    rotary: Rotary
  ) {
    self.batch = batch
    self.depth = depth
    self.prompt = prompt
    self.tokens = tokens
    self.hasCache = hasCache
    self.cache = cache
    self.rotary = rotary
  }

  /// Tokens of each sequence that go through the layers at once, and how many there are before.
  package struct Pass: Hashable, Sendable {
    package let first: Int
    package let count: Int

    /// - Parameters:
    ///   - first: tokens that each sequence has before.
    ///   - count: tokens of each sequence that go through the layers at once.
    package init(first: Int, count: Int) {
      self.first = first
      self.count = count
    }

    package var positions: Range<Int> { first..<first + count }
  }

  /// Without a cache a token takes all before it through the layers again.
  package var passes: [Pass] {
    guard hasCache else { return [Pass(first: 0, count: longest)] }
    let prefill = prompt > 0 ? [Pass(first: depth, count: prompt)] : []
    return prefill + (0..<tokens).map { Pass(first: depth + prompt + $0, count: 1) }
  }

  /// All tokens of a sequence at the end.
  package var longest: Int { depth + prompt + tokens }
  /// The maximum number of tokens that go through the layers at once, of all sequences.
  package var maxRows: Int { batch * (passes.map(\.count).max() ?? 1) }

  /// Tokens that are given to a call, sequence after sequence.
  package var given: Int { hasCache ? prompt + tokens : longest }

  /// Whether a pass attends to its own tokens as they are, before they are stored.
  package func isDirect(_ pass: Pass) -> Bool {
    pass.first == 0 && (pass.count > 1 || !hasCache)
  }

  /// Attention of a pass to a cache: each new token to all before it and to itself.
  package func attention(_ shape: ModelShape, _ pass: Pass, _ instructions: InstructionSet)
    -> AttentionDecode
  {
    AttentionDecode(
      heads: shape.heads, kvHeads: shape.kvHeads, headDim: shape.headDim,
      contexts: Array(repeating: pass.first, count: batch), newTokens: pass.count,
      rotary: rotary, instructions: instructions)
  }

  /// Attention of a pass that sees nothing but itself, causal and in fp32.
  package func prefill(_ shape: ModelShape, _ pass: Pass, _ instructions: InstructionSet)
    -> AttentionPrefill
  {
    AttentionPrefill(
      batch: batch, heads: shape.heads, kvHeads: shape.kvHeads, headDim: shape.headDim,
      tokens: pass.count, rotary: rotary, instructions: instructions)
  }

  /// The heads of all layers in one cache: a sequence's pages are looked up once for all.
  package func cacheLayout(_ shape: ModelShape) -> CacheLayout {
    cache.layout(
      kvHeads: shape.layers * shape.kvHeads, headDim: shape.headDim, longest: longest)
  }

  /// Pages that the tokens of all sequences take at the end of a call.
  package func pages(_ shape: ModelShape) -> Int {
    let pageTokens = cacheLayout(shape).pageTokens
    return batch * ((longest + pageTokens - 1) / pageTokens)
  }

  /// What a cache holds of the tokens before: keys or values, made up, before they are rounded to its type.
  ///
  /// - Parameter range: of the numbers of one sequence, which are token × layer × kv-head × head-dim.
  package func before(_ range: Range<Int>, sequence: Int, isKey: Bool, seed: UInt64) -> [Float] {
    let mixed = hash32(
      UInt32(truncatingIfNeeded: seed), UInt32(2 * sequence + (isKey ? 0 : 1)))
    return range.map { uniform(mixed, $0) }
  }

  /// The id of the token that is given at a place of a sequence: made up, the same for the same seed.
  package func token(_ place: Int, sequence: Int, vocab: Int, seed: UInt64) -> Int {
    Int(hash32(UInt32(truncatingIfNeeded: seed &+ 77), UInt32(sequence * longest + place)))
      % vocab
  }
}
