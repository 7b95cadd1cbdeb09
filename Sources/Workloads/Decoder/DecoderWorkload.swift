package import Kernels
package import Models
package import Quantities

/// A decoder-only transformer: embedding, layers of attention and feed-forward networks, logits.
///
/// - Shapes and source: as of `Transformer`. Weights are made up and stored in any format.
/// - Work: `prefill` takes `prompt` tokens through the layers at once (the time to the first token),
///   `decode` takes `tokens` one after the other, `both` does both, with `depth` tokens in the cache to
///   begin with. Without a cache a token takes all that are before it through the layers again. Each pass
///   reads all weights once, and what the cache has.
/// - Error: checked on two layers of full width and a few tokens, against fp64 in which the same roundings
///   are made on purpose; fp32 sums besides, and of quantized weights activations next to a half that are
///   rounded the other way.
package enum DecoderWorkload: Workload {
  /// A model, and what one call brings forward of it.
  package struct Problem: Codable, Hashable, Sendable {
    package let layers: Int
    package let layer: LayerAxes
    package let vocab: Int
    package let tied: Tied
    package let mlp: FeedForward
    package let format: ElementType
    package let batch: Int
    package let phase: Phase
    package let prompt: Int
    package let tokens: Int
    package let depth: Depth
    package let kvCache: CacheSwitch
    package let cache: CacheAxes
    package let rotary: RotaryAxes

    /// Sizes are taken as they are: `validate` says whether they make a problem.
    package init(
      layers: Int, hidden: Int, ffn: Int, heads: Int, kvHeads: Int, headDim: Int, vocab: Int,
      tied: Tied = .no, mlp: FeedForward = .swiglu, format: ElementType = .fp16, batch: Int = 1,
      phase: Phase, prompt: Int = 512, tokens: Int = 1, depth: Int = 0,
      kvCache: CacheSwitch = .on, cache: CacheAxes = CacheAxes(),
      rotary: RotaryAxes = RotaryAxes(.neox)
    ) {
      self.layers = layers
      layer = LayerAxes(
        hidden: hidden, ffn: ffn, heads: heads, kvHeads: kvHeads, headDim: headDim)
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

    var shape: ModelShape {
      layer.shape(layers: layers, vocab: vocab, isTied: tied == .yes, mlp)
    }

    var run: DecoderRun {
      DecoderRun(
        batch: batch, depth: depth.count, prompt: phase == .decode ? 0 : prompt,
        tokens: phase == .prefill ? 0 : tokens, hasCache: kvCache == .on,
        cache: cache.format, rotary: rotary.rotary)
    }

    /// What a check can compute in fp64: full width, few layers, few tokens.
    var reduced: Problem {
      Problem(
        layers: min(2, layers), hidden: layer.hidden, ffn: layer.ffn, heads: layer.heads,
        kvHeads: layer.kvHeads, headDim: layer.headDim, vocab: vocab, tied: tied, mlp: mlp,
        format: format,
        batch: min(2, batch), phase: phase, prompt: min(6, prompt), tokens: min(2, tokens),
        depth: min(6, depth.count), kvCache: kvCache, cache: cache, rotary: rotary)
    }
  }

  /// Whether logits are products with the embedding.
  package enum Tied: String, AxisWord {
    case yes
    case no
  }

  /// Which tokens a call takes.
  package enum Phase: String, AxisWord {
    /// The prompt, at once.
    case prefill
    /// Tokens, one after the other.
    case decode
    /// The prompt, and then tokens.
    case both
  }

  /// `ids`, batch × given tokens as 32-bit whole numbers, and `logits`, batch × vocab in fp32. Weights and
  /// cache are the kernel's, from the seed.
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
    try problem.layer.validate(problem.format)
    try problem.rotary.validate(headDim: problem.layer.headDim)
    if problem.kvCache == .on {
      try problem.cache.validate(headDim: problem.layer.headDim)
    } else if problem.phase != .prefill, problem.tokens > 1 {
      throw ProblemFault(
        axis: "kv-cache",
        what: "without a cache a call brings one token forward, and tokens is \(problem.tokens)",
        fix: "use tokens 1, and sweep the depth")
    }
  }

  package static func workBound(of problem: Problem) -> Double {
    DecoderWork.workBound(of: problem.shape, problem.run)
  }

  /// In each pass a token takes 2 flops for each weight of the layers, and those of attention; in the end
  /// each sequence takes 2 for each weight of the logits. A pass reads all weights once, and, where tokens
  /// come before it, all that the cache then holds.
  package static func work(of problem: Problem) -> Work {
    let (shape, run) = (problem.shape, problem.run)
    let weights = DecoderWork.weights(shape, problem.format)
    // Logits are the last tokens' alone.
    let layers = weights.count - shape.vocabulary.count
    var flops = 2 * run.batch * shape.vocabulary.count
    var read = Bytes.zero
    for pass in run.passes {
      flops +=
        run.batch * (2 * pass.count * layers + DecoderWork.attentionFlops(shape, pass))
      read += weights.bytes
      if run.hasCache, pass.first > 0 {
        read +=
          run.cache.tokenBytes(headDim: shape.headDim)
          * (run.batch * (pass.first + pass.count) * shape.layers * shape.kvHeads)
      }
    }
    let passed = run.hasCache ? run.prompt + run.tokens : max(run.prompt, run.tokens)
    return Work(
      flops: flops, bytesRead: read,
      bytesWritten: ElementType.fp32.bytes(of: run.batch * shape.vocab),
      tokens: run.batch * passed, format: problem.format.productFormat)
  }

  package static func operands(
    for problem: Problem, seed: UInt64, in ledger: MemoryLedger
  ) throws -> Operands {
    let run = problem.run
    let ids = try ledger.tensor(.fp32, [run.batch, run.given], .activations)
    for sequence in 0..<run.batch where !ids.isPlan {
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
    DecoderTolerance.of(problem.shape, problem.format, problem.run)
  }

  package static func expectation(
    of problem: Problem, _ operands: Operands, at sample: OutputSample
  ) -> Expectation {
    let (shape, run) = (problem.shape, problem.run)
    let reference = DecoderReference(shape, problem.format, run, seed: operands.seed)
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

  /// Up to two layers keep their width, for up to 2 sequences and a few tokens of each kind.
  package static func reduced(_ problem: Problem) -> (problem: Problem, label: String)? {
    let reduced = problem.reduced
    guard reduced != problem else { return nil }
    return (
      reduced,
      "\(reduced.layers) of \(problem.layers) layers at full width, "
        + "\(reduced.run.longest) of \(problem.run.longest) tokens"
    )
  }

  package static let variants: [Variant<DecoderWorkload>] = {
    [.reference()]
      + InstructionSet.having(.layers, .cache, .quantized).map { set in
        Variant(set) { problem, operands, execution in
          DecoderKernel(
            problem, operands,
            try Transformer(
              problem.shape, weights: MadeUpWeights(problem.shape, seed: operands.seed),
              format: problem.format, run: problem.run, seed: operands.seed,
              .tokens(ids: operands.ids, logits: operands.logits), instructions: set, execution))
        }
      }
  }()

  private final class DecoderKernel: WitnessedKernel {
    private let transformer: Transformer
    private let problem: Problem
    private let operands: Operands

    init(_ problem: Problem, _ operands: Operands, _ transformer: Transformer) {
      self.problem = problem
      self.operands = operands
      self.transformer = transformer
    }

    /// All weights in fp32, as what is stored stands for them, besides tokens and logits.
    func witness(furtherCalls: Int) -> [WitnessTensor] {
      run()
      let shape = problem.shape
      let weights = MadeUpWeights(shape, seed: operands.seed)
      func matrix(_ name: String, _ source: WeightSource, _ size: ModelShape.Matrix)
        -> WitnessTensor?
      {
        let format = WeightFormat.usual(problem.format)
        guard let ledger = try? MemoryLedger(),
          let tensor = try? source.tensor(format, rows: size.n, in: ledger)
        else { return nil }
        return WitnessTensor(
          name, [size.n, size.k], .floats((0..<size.n).flatMap { tensor.row($0, of: format) }))
      }
      let matrices = (0..<shape.layers).flatMap { layer in
        shape.products.compactMap { product in
          matrix(
            "layers.\(layer).\(product)", weights.matrix(product, layer: layer),
            shape.matrix(product))
        }
      }
      let gains = WitnessTensor(
        "gains", [shape.gains, shape.hidden],
        .floats(
          (0..<shape.gains).flatMap { index in
            (0..<shape.hidden).map { weights.gain(index, $0) }
          }))
      let vocabulary = [
        matrix("embedding", weights.embedding, shape.vocabulary),
        matrix("logits.weights", weights.logits, shape.vocabulary),
      ].compactMap { $0 }
      return matrices + vocabulary + [
        gains, WitnessTensor("ids", operands.ids.shape, .integers(operands.ids)),
        WitnessTensor("logits", operands.logits),
      ]
    }

    func run() { transformer.call() }

    var unused: [MemoryRole: Bytes] { [.kvCache: transformer.unusedBytes] }
  }
}
