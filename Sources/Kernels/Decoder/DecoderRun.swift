import Quantities

/// What a call of a decoder does: passes over tokens, one after the other.
struct DecoderRun: Hashable {
  let batch: Int
  /// Tokens that each sequence has in its cache to begin with.
  let depth: Int
  /// Tokens that go through the layers at once, first; 0 where none do.
  let prompt: Int
  /// Tokens that follow one by one.
  let tokens: Int
  let hasCache: Bool
  let cache: CacheAxes
  let rotary: RotaryAxes

  /// Tokens of each sequence that go through the layers at once, and how many there are before.
  struct Pass: Hashable {
    let first: Int
    let count: Int
  }

  /// Without a cache a token takes all before it through the layers again.
  var passes: [Pass] {
    guard hasCache else { return [Pass(first: 0, count: longest)] }
    let prefill = prompt > 0 ? [Pass(first: depth, count: prompt)] : []
    return prefill + (0..<tokens).map { Pass(first: depth + prompt + $0, count: 1) }
  }

  /// All tokens of a sequence at the end.
  var longest: Int { depth + prompt + tokens }
  /// The most tokens that go through the layers at once, of all sequences.
  var most: Int { batch * (passes.map(\.count).max() ?? 1) }

  /// Tokens that are given to a call, sequence after sequence.
  var given: Int { hasCache ? prompt + tokens : longest }

  /// Attention of a pass as a problem of its own.
  func attention(_ shape: DecoderShape, _ pass: Pass) -> AttentionDecode.Problem {
    AttentionDecode.Problem(
      batch: batch, heads: shape.heads, kvHeads: shape.kvHeads, headDim: shape.headDim,
      context: pass.first, newTokens: pass.count, cache: cache, rotary: rotary)
  }

  /// Attention of a pass that sees nothing but itself.
  func prefill(_ shape: DecoderShape, _ pass: Pass) -> AttentionPrefill.Problem {
    AttentionPrefill.Problem(
      batch: batch, heads: shape.heads, kvHeads: shape.kvHeads, headDim: shape.headDim,
      tokens: pass.count, mask: .causal, precision: .fp32, rotary: rotary)
  }

  /// Whether a pass attends to its own tokens as they are, before they are stored.
  func isDirect(_ pass: Pass) -> Bool { pass.first == 0 && (pass.count > 1 || !hasCache) }

  /// The heads of all layers in one cache: a sequence's pages are looked up once for all.
  func cacheLayout(_ shape: DecoderShape) -> CacheLayout {
    cache.layout(
      kvHeads: shape.layers * shape.kvHeads, headDim: shape.headDim, longest: longest)
  }

  func pages(_ shape: DecoderShape) -> Int {
    let pageTokens = cacheLayout(shape).pageTokens
    return batch * ((longest + pageTokens - 1) / pageTokens)
  }

  /// What a cache holds of the tokens before, of all heads of all layers: keys or values.
  func before(_ range: Range<Int>, sequence: Int, isKey: Bool, seed: UInt64) -> [Float] {
    let mixed = hash32(
      UInt32(truncatingIfNeeded: seed), UInt32(2 * sequence + (isKey ? 0 : 1)))
    return range.map { uniform(mixed, $0) }
  }

  /// The token that is given at a place: any, the same for the same seed.
  func token(_ place: Int, sequence: Int, vocab: Int, seed: UInt64) -> Int {
    Int(hash32(UInt32(truncatingIfNeeded: seed &+ 77), UInt32(sequence * longest + place)))
      % vocab
  }
}
