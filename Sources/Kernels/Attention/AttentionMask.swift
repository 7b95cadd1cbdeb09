/// Which keys a query sees. What is not seen is not computed.
package enum AttentionMask: Hashable, Sendable {
  /// Those up to its own position.
  case causal
  /// All keys, later ones included.
  case full
  /// The last so many up to its own position.
  ///
  /// - Source: Beltagy, Peters and Cohan, "Longformer" (2020); Mistral's sliding window.
  case window(Int)
  /// By blocks of `blockTokens`: its own up to its position, the one before, and every
  /// `blockStride`-th.
  ///
  /// - Source: Child et al., "Generating Long Sequences with Sparse Transformers" (2019), the strided
  ///   pattern, by blocks.
  case blocks

  /// Tokens of a block of `blocks`.
  package static let blockTokens = 64
  /// Of so many blocks, the first is seen by every later query.
  package static let blockStride = 8

  /// Whether a query's block sees a key's, the keys after the query's position apart.
  package static func seesBlock(_ key: Int, from query: Int) -> Bool {
    key <= query && (key + 1 >= query || key % blockStride == 0)
  }

  /// Whether the query at one position sees the key at another.
  package func sees(key: Int, from query: Int) -> Bool {
    switch self {
    case .full: true
    case .causal: key <= query
    case .window(let width): key <= query && key > query - width
    case .blocks:
      key <= query && Self.seesBlock(key / Self.blockTokens, from: query / Self.blockTokens)
    }
  }

  /// The stretch of keys that a query sees; for blocks, what lies between the first and the last.
  package func stretch(from query: Int, of tokens: Int) -> ClosedRange<Int> {
    switch self {
    case .full: 0...tokens - 1
    case .causal, .blocks: 0...query
    case .window(let width): max(0, query - width + 1)...query
    }
  }

  /// How many keys a query sees.
  package func count(from query: Int, of tokens: Int) -> Int {
    let stretch = stretch(from: query, of: tokens)
    return self == .blocks ? stretch.count { sees(key: $0, from: query) } : stretch.count
  }

  /// How many keys any of a stretch of queries sees.
  package func union(of queries: Range<Int>, tokens: Int) -> Int {
    guard self != .blocks else {
      return (0..<tokens).count { key in queries.contains { sees(key: key, from: $0) } }
    }
    let first = stretch(from: queries.lowerBound, of: tokens)
    return stretch(from: queries.upperBound - 1, of: tokens).upperBound + 1 - first.lowerBound
  }

  /// How many pairs of a query and a key that it sees there are.
  package func pairs(of tokens: Int) -> Int {
    switch self {
    case .full: return tokens * tokens
    case .causal: return tokens * (tokens + 1) / 2
    case .window(let width):
      let rising = min(width, tokens)
      return rising * (rising + 1) / 2 + (tokens - rising) * rising
    case .blocks:
      let size = Self.blockTokens
      return (0..<(tokens + size - 1) / size).reduce(0) { sum, block in
        let queries = min(size, tokens - block * size)
        let whole = (0..<block).count { Self.seesBlock($0, from: block) }
        return sum + queries * whole * size + queries * (queries + 1) / 2
      }
    }
  }
}
