package import Kernels
package import Quantities

/// A step of decoding: attention of one new token, or a few, to all that came before, with a cache of
/// their keys and values or without.
///
/// - Shapes, work, error and source: as of `AttentionDecode`.
package enum AttentionDecodeWorkload: Workload {
  /// One step of decoding, of `batch` sequences.
  package struct Problem: Codable, Hashable, Sendable {
    package let batch: Int
    package let heads: Int
    package let kvHeads: Int
    package let headDim: Int
    /// Tokens that each sequence has, or the longest where they differ.
    package let context: Int
    package let newTokens: Int
    package let lengths: Lengths
    package let mask: AxisTextValue<AttentionMask>
    package let kvCache: CacheSwitch
    package let cache: CacheAxes
    package let rotary: RotaryAxes

    /// Sizes are taken as they are: `validate` says whether they make a problem. What is left out is as in
    /// `defaults`.
    package init(
      batch: Int, heads: Int, kvHeads: Int, headDim: Int, context: Int, newTokens: Int = 1,
      lengths: Lengths = .same, mask: AttentionMask = .causal, kvCache: CacheSwitch = .on,
      cache: CacheAxes = CacheAxes(), rotary: RotaryAxes = RotaryAxes()
    ) {
      self.batch = batch
      self.heads = heads
      self.kvHeads = kvHeads
      self.headDim = headDim
      self.context = context
      self.newTokens = newTokens
      self.lengths = lengths
      self.mask = AxisTextValue(mask)
      self.kvCache = kvCache
      self.cache = cache
      self.rotary = rotary
    }

    /// Heads of queries for each of keys.
    var group: Int { heads / kvHeads }
    var scale: Double { 1 / Double(headDim).squareRoot() }
    var hidden: Int { heads * headDim }
    /// What each sequence has: all of it, or of n sequences n-ths of it, the longest first.
    var contexts: [Int] {
      (0..<batch).map { lengths == .same ? context : max(1, context * (batch - $0) / batch) }
    }

    func operation(_ instructions: InstructionSet) -> AttentionDecode {
      AttentionDecode(
        heads: heads, kvHeads: kvHeads, headDim: headDim, contexts: contexts,
        newTokens: newTokens, mask: mask.value, rotary: rotary.rotary, instructions: instructions)
    }

    var layout: CacheLayout {
      cache.format.layout(
        kvHeads: kvHeads, headDim: headDim, longest: (contexts.max() ?? 0) + newTokens)
    }

    /// All tokens at the end of a step.
    var tokens: Int { contexts.reduce(0) { $0 + $1 + newTokens } }

    /// Pages that all sequences take, at the end of a step.
    var pages: Int {
      contexts.reduce(0) {
        $0 + ($1 + newTokens + layout.pageTokens - 1) / layout.pageTokens
      }
    }
  }

  /// How the contexts of a batch differ.
  package enum Lengths: String, AxisWord {
    /// All have the whole context.
    case same
    /// Of n sequences the i-th has (n − i + 1) / n of the context.
    case mixed
  }

  /// In fp32 but for the cache: `q` and `o` are new tokens × heads × head-dim. Without a cache `q` is of all
  /// tokens.
  package struct Operands: OperandSet {
    /// New tokens' queries; those of all tokens without a cache.
    package let q: Tensor
    package let step: Step
    package let o: Tensor

    /// - Parameter step: where keys and values come from; it must be the problem's kind.
    package init(q: Tensor, step: Step, o: Tensor) {
      self.q = q
      self.step = step
      self.o = o
    }

    /// Where keys and values come from.
    package enum Step {
      /// A cache with places for the new tokens, which are new tokens × kv-heads × head-dim.
      case cached(newK: Tensor, newV: Tensor, cache: KVCache, sequences: [Int])
      /// Hidden states, all tokens × (heads · head-dim), and weights, (kv-heads · head-dim) × (heads ·
      /// head-dim).
      case projected(hidden: Tensor, wK: Tensor, wV: Tensor)
    }

    package var operands: [Operand] {
      let inputs =
        switch step {
        case .cached(let newK, let newV, _, _):
          [Operand("new-k", newK, .input), Operand("new-v", newV, .input)]
        case .projected(let hidden, let wK, let wV):
          [
            Operand("hidden", hidden, .input), Operand("w-k", wK, .weight),
            Operand("w-v", wV, .weight),
          ]
        }
      return [Operand("q", q, .input)] + inputs + [Operand("o", o, .output)]
    }
  }

  package static let name = "attention-decode"
  package static let about = "attention of new tokens to a context, with its cache or without"
  package static let smallest = Problem(
    batch: 2, heads: 6, kvHeads: 2, headDim: 18, context: 37, newTokens: 2)
  package static let defaults = [
    "batch": "1", "new-tokens": "1", "lengths": "same", "mask": "causal", "kv-cache": "on",
  ].with(CacheAxes.defaults, RotaryAxes.defaults(.none))

  package static let variants: [Variant<AttentionDecodeWorkload>] = {
    [reference]
      + InstructionSet.having(.attention, .cache).map { set in
        Variant(set) { problem, operands, execution in
          let operation = problem.operation(set)
          switch operands.step {
          case .cached(let newK, let newV, let cache, let sequences):
            return try operation.kernel(
              q: operands.q, newK: newK, newV: newV, o: operands.o, cache: cache,
              sequences: sequences, execution)
          case .projected(let hidden, let wK, let wV):
            return try operation.kernelWithoutCache(
              q: operands.q, hidden: hidden, keyWeights: wK, valueWeights: wV, o: operands.o,
              execution)
          }
        }
      }
  }()

  package static func validate(_ problem: Problem) throws {
    try HeadLayout(heads: problem.heads, kvHeads: problem.kvHeads).validate()
    try problem.cache.validate(headDim: problem.headDim)
    try problem.rotary.validate(headDim: problem.headDim)
  }

  package static func workBound(of problem: Problem) -> Double {
    let tokens = product(problem.context) + product(problem.newTokens)
    let hidden = product(problem.headDim) * Double(max(problem.heads, problem.kvHeads))
    // Without a cache all tokens are projected, and attend.
    let each = problem.kvCache == .on ? product(problem.newTokens) : tokens + hidden
    return 64 * product(problem.batch) * tokens * each * hidden
  }

  /// Each pair of a query and a key that it sees takes 4·head-dim flops in each head: half in the score, half
  /// in the sum of values. Without a cache these are the pairs of all tokens, and each token takes 2 flops
  /// for each weight of the projections of keys and values.
  package static func work(of problem: Problem) -> Work {
    let mask = problem.mask.value
    let contexts = problem.contexts
    let new = problem.batch * problem.newTokens
    let outputs = ElementType.fp32.bytes(of: new * problem.hidden)
    let tokenLength = problem.headDim * problem.kvHeads
    if problem.kvCache == .off {
      let tokens = contexts.map { $0 + problem.newTokens }
      let all = tokens.reduce(0, +)
      let pairs = tokens.reduce(0) { $0 + mask.pairs(of: $1) }
      return Work(
        flops: 4 * all * tokenLength * problem.hidden + 4 * problem.hidden * pairs,
        bytesRead: ElementType.fp32.bytes(of: 2 * (all + tokenLength) * problem.hidden),
        bytesWritten: outputs, format: .fp32)
    }
    var pairs = 0
    var seen = 0
    for context in contexts {
      let total = context + problem.newTokens
      for token in context..<total { pairs += mask.count(from: token, of: total) }
      seen += mask.union(of: context..<total, tokens: total)
    }
    return Work(
      flops: 4 * problem.hidden * pairs,
      bytesRead: outputs + ElementType.fp32.bytes(of: 2 * new * tokenLength)
        + problem.cache.format.tokenBytes(headDim: problem.headDim) * (problem.kvHeads * seen),
      bytesWritten: outputs, format: problem.cache.format.isQuantized ? .int8 : .fp32)
  }

  /// A result's path has a rounding for each key in the sum of values and one in the sum of weights that it
  /// is divided by; besides, those of the exponential, of the product and of the division. Errors of scores
  /// are in the expectation's allowances.
  package static func tolerance(of problem: Problem) -> Tolerance {
    .sum(roundings: 2 * (problem.context + problem.newTokens) + 4)
  }
}
