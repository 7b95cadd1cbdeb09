package import Quantities

/// A decoder-only transformer: embedding, layers of attention and feed-forward networks, logits.
///
///     x ← x + out · attention(q · norm(x), k · norm(x), v · norm(x))
///     x ← x + down · (silu(gate · norm(x)) ∘ (up · norm(x))),  logits = w · norm(x)
///
/// - Shapes: `ids` is batch × tokens, `logits` batch × vocab, of each sequence's last token, in fp32.
///   Weights are made up and stored in any format; activations are fp32.
/// - Work: `prefill` takes `prompt` tokens through the layers at once (the time to the first token),
///   `decode` takes `tokens` one after the other, `both` does both, with `depth` tokens in the cache to
///   begin with. Without a cache a token takes all that are before it through the layers again. Each pass
///   reads all weights once, and what the cache has.
/// - Error: checked on two layers of full width and a few tokens, against fp64 in which the same roundings
///   are made on purpose; fp32 sums besides, and of quantized weights activations next to a half that are
///   rounded the other way.
/// - Source: Touvron et al., "LLaMA" (2023); Zhang and Sennrich, "Root Mean Square Layer Normalization"
///   (2019).
package enum Transformer: Workload {
  package struct Problem: Codable, Hashable, Sendable {
    package let layers: Int
    package let hidden: Int
    package let ffn: Int
    package let heads: Int
    package let kvHeads: Int
    package let headDim: Int
    package let vocab: Int
    package let tied: Tied
    package let mlp: FeedForward
    package let format: ElementType
    package let batch: Int
    package let phase: Phase
    package let prompt: Int
    package let tokens: Int
    package let depth: Depth
    package let kvCache: AttentionDecode.Switch
    package let cache: CacheAxes
    package let rotary: RotaryAxes

    package init(
      layers: Int, hidden: Int, ffn: Int, heads: Int, kvHeads: Int, headDim: Int, vocab: Int,
      tied: Tied = .no, mlp: FeedForward = .swiglu, format: ElementType = .fp16, batch: Int = 1,
      phase: Phase, prompt: Int = 512, tokens: Int = 1, depth: Int = 0,
      kvCache: AttentionDecode.Switch = .on, cache: CacheAxes = CacheAxes(),
      rotary: RotaryAxes = RotaryAxes(.neox)
    ) {
      self.layers = layers
      self.hidden = hidden
      self.ffn = ffn
      self.heads = heads
      self.kvHeads = kvHeads
      self.headDim = headDim
      self.vocab = vocab
      self.tied = tied
      self.mlp = mlp
      self.format = format
      self.batch = batch
      self.phase = phase
      self.prompt = prompt
      self.tokens = tokens
      self.depth = Depth(depth)
      self.kvCache = kvCache
      self.cache = cache
      self.rotary = rotary
    }

    var shape: DecoderShape {
      DecoderShape(
        layers: layers, hidden: hidden, ffn: ffn, heads: heads, kvHeads: kvHeads,
        headDim: headDim, vocab: vocab, isTied: tied == .yes, mlp: mlp, format: format)
    }

    var run: DecoderRun {
      DecoderRun(
        batch: batch, depth: depth.count, prompt: phase == .decode ? 0 : prompt,
        tokens: phase == .prefill ? 0 : tokens, hasCache: kvCache == .on, cache: cache,
        rotary: rotary)
    }

    /// What a check can compute in fp64: full width, few layers, few tokens.
    var reduced: Problem {
      Problem(
        layers: min(2, layers), hidden: hidden, ffn: ffn, heads: heads, kvHeads: kvHeads,
        headDim: headDim, vocab: vocab, tied: tied, mlp: mlp, format: format,
        batch: min(2, batch), phase: phase, prompt: min(6, prompt), tokens: min(2, tokens),
        depth: min(6, depth.count), kvCache: kvCache, cache: cache, rotary: rotary)
    }
  }

  /// Whether logits are products with the embedding.
  package enum Tied: String, AxisWord {
    case yes
    case no
  }

  package enum Phase: String, AxisWord {
    case prefill
    case decode
    case both
  }

  package struct Operands: OperandSet {
    let ids: Tensor
    let logits: Tensor
    let seed: UInt64

    package var operands: [Operand] { [Operand("logits", logits, .output)] }
  }

  package static let name = "decoder"
  package static let about = "a whole transformer: a prompt, and tokens that follow it"
  package static let smallest = Problem(
    layers: 2, hidden: 64, ffn: 96, heads: 4, kvHeads: 2, headDim: 16, vocab: 70, format: .fp32,
    batch: 2, phase: .both, prompt: 5, tokens: 2)
  package static let defaults = [
    "tied": "no", "mlp": "swiglu", "format": "fp16", "batch": "1", "phase": "both",
    "prompt": "512", "tokens": "128", "depth": "0", "kv-cache": "on",
  ].with(CacheAxes.defaults, RotaryAxes.defaults(.neox))

  package static func validate(_ problem: Problem) throws {
    try problem.shape.validate()
    try problem.rotary.validate(headDim: problem.headDim)
    if problem.kvCache == .on {
      try AttentionDecode.validate(
        problem.run.attention(problem.shape, DecoderRun.Pass(first: 1, count: 1)))
    } else if problem.phase != .prefill, problem.tokens > 1 {
      throw ProblemFault(
        axis: "kv-cache",
        what: "without a cache a call brings one token forward, and tokens is \(problem.tokens)",
        fix: "use tokens 1, and sweep the depth")
    }
  }

  package static func magnitude(of problem: Problem) -> Double {
    problem.shape.magnitude(of: problem.run)
  }

  package static func work(of problem: Problem) -> Work {
    let (shape, run) = (problem.shape, problem.run)
    let layers = shape.weightsRead.dropLast().reduce(0) { $0 + $1.n * $1.k }
    let weightBytes = shape.weightsRead.reduce(Bytes.zero) {
      $0 + $1.weightFormat.bytes(rows: $1.n, columns: $1.k)
    }
    var flops = 2 * run.batch * shape.vocab * shape.hidden
    var read = Bytes.zero
    for pass in run.passes {
      let total = pass.first + pass.count
      let pairs = pass.count * pass.first + AttentionMask.causal.pairs(of: pass.count)
      flops +=
        run.batch
        * (2 * pass.count * layers + 4 * shape.layers * shape.heads * shape.headDim * pairs)
      read += weightBytes
      if run.hasCache, pass.first > 0 {
        read +=
          problem.cache.tokenBytes(headDim: shape.headDim)
          * (run.batch * total * shape.layers * shape.kvHeads)
      }
    }
    let passed = run.hasCache ? run.prompt + run.tokens : max(run.prompt, run.tokens)
    return Work(
      flops: flops, bytesRead: read,
      bytesWritten: ElementType.fp32.bytes(of: run.batch * shape.vocab),
      tokens: run.batch * passed, format: shape.vocabulary.isQuantized ? .int8 : .fp32)
  }

  package static func operands(
    for problem: Problem, seed: UInt64, in ledger: MemoryLedger
  ) throws -> Operands {
    let run = problem.run
    let ids = try ledger.tensor(.fp32, [run.batch, run.given], .activations)
    for sequence in 0..<run.batch {
      for place in 0..<run.given {
        ids.pointer(to: Int32.self)[sequence * run.given + place] = Int32(
          run.token(place, sequence: sequence, vocab: problem.vocab, seed: seed))
      }
    }
    return Operands(
      ids: ids, logits: try ledger.tensor(.fp32, [run.batch, problem.vocab], .activations),
      seed: seed)
  }

  package static func tolerance(of problem: Problem) -> Tolerance {
    DecoderTolerance.of(problem.shape, problem.run)
  }

  package static func expectation(
    of problem: Problem, _ operands: Operands, at sample: OutputSample
  ) -> Expectation {
    let (shape, run) = (problem.shape, problem.run)
    let reference = DecoderReference(shape, run, seed: operands.seed)
    var (values, magnitudes) = ([Double](), [Double]())
    for sequence in sample.rows {
      let ids = (0..<run.given).map {
        run.token($0, sequence: sequence, vocab: shape.vocab, seed: operands.seed)
      }
      let states = reference.states(reference.embedded(ids), sequence: sequence)
      let found = reference.logits(states[states.count - 1], columns: sample.columns)
      values += found.values
      magnitudes += found.magnitudes
    }
    return Expectation(values: values, magnitudes: magnitudes)
  }

  package static func reduced(_ problem: Problem) -> (problem: Problem, label: String)? {
    let reduced = problem.reduced
    guard reduced != problem else { return nil }
    return (
      reduced,
      "\(reduced.layers) of \(problem.layers) layers at full width, "
        + "\(reduced.run.longest) of \(problem.run.longest) tokens"
    )
  }

  // MARK: Variants

  package static var variants: [Variant<Transformer>] {
    [.reference()]
      + DecoderLoops.sets.map { set in
        Variant(name: set.rawValue, requirements: set.requirements) {
          problem, operands, execution in
          DecoderKernel(
            try DecoderEngine(
              shape: problem.shape, run: problem.run, seed: operands.seed, loops: DecoderLoops(set),
              x: nil,
              ids: operands.ids, logits: operands.logits, execution: execution))
        }
      }
  }

  package static func memory(
    of problem: Problem, variant: Variant<Transformer>, threads: Int
  ) -> MemoryPlan {
    let run = problem.run
    let held: [MemoryRole: Bytes] = [
      .activations: ElementType.fp32.bytes(of: run.batch * (run.given + problem.vocab))
    ]
    return DecoderEngine.plan(
      problem.shape, run, operands: held, ownsRows: true, variant: variant.name,
      threads: threads)
  }
}

/// A decoder's call, or a block's.
final class DecoderKernel: Kernel {
  private let engine: DecoderEngine

  init(_ engine: DecoderEngine) { self.engine = engine }

  func run() { engine.call() }

  var unused: [MemoryRole: Bytes] { [.kvCache: engine.unusedBytes] }
}

enum DecoderTolerance {
  /// Each product's sums stray by their terms' roundings, and norms hand that on to the next.
  ///
  /// Where activations are rounded to 8 bits, one that strayed a little may be rounded the other way, and
  /// a few products later the roundings of two computations are as good as independent. A product's
  /// are off by 3.3 / 127 / √6 of the root mean square of its activations, which is 0.0166 / √k of
  /// its terms' magnitudes; two branches a layer and as many products in each add up.
  static func of(_ shape: DecoderShape, _ run: DecoderRun) -> Tolerance {
    let each = shape.products.map { 2 * shape.weights($0).k }.reduce(0, +)
    let all = shape.layers * (each + 2 * run.longest) + 2 * shape.hidden
    let sums = Tolerance.sum(roundings: all)
    if shape.weights(.q).isQuantized {
      let noise =
        0.0166 * Double(4 * shape.layers + 1).squareRoot() / Double(shape.hidden).squareRoot()
      return Tolerance(
        relative: sums.relative + 8 * noise,
        basis: "\(sums.basis); 8 deviations of activations' rounding to 8 bits")
    }
    guard run.hasCache,
      [run.cache.cacheTypeK, run.cache.cacheTypeV].contains(where: { $0 != .fp32 })
    else {
      return sums
    }
    return Tolerance(
      relative: sums.relative + 1e-3,
      basis: "\(sums.basis); 1e-3 for cached numbers that are rounded the other way")
  }
}
