package import Kernels
package import Models
package import Quantities

/// One layer of a transformer: norm, queries, keys and values, rotary embedding, attention, output, norm,
/// feed-forward network, and what was there added after both.
///
/// - Shapes: `x` and `y` are batch × tokens × hidden in fp32; weights in any format. `tokens` go through at
///   once, after `depth` that a cache has: 1 is a step of decoding.
/// - Work, error and source: as of `decoder`.
package enum DecoderBlockWorkload: Workload {
  /// One layer, and the tokens that go through it at once.
  package struct Problem: Codable, Hashable, Sendable {
    package let layer: LayerAxes
    package let mlp: FeedForward
    package let format: ElementType
    package let batch: Int
    package let tokens: Int
    package let depth: Depth
    package let cache: CacheAxes
    package let rotary: RotaryAxes

    /// Sizes are taken as they are: `validate` says whether they make a problem. What is left out is as in
    /// `defaults`.
    package init(
      hidden: Int, ffn: Int, heads: Int, kvHeads: Int, headDim: Int, mlp: FeedForward = .swiglu,
      format: ElementType = .fp16, batch: Int = 1, tokens: Int, depth: Int = 0,
      cache: CacheAxes = CacheAxes(), rotary: RotaryAxes = RotaryAxes(.neox)
    ) {
      layer = LayerAxes(
        hidden: hidden, ffn: ffn, heads: heads, kvHeads: kvHeads, headDim: headDim)
      self.mlp = mlp
      self.format = format
      self.batch = batch
      self.tokens = tokens
      self.depth = Depth(depth)
      self.cache = cache
      self.rotary = rotary
    }

    var shape: ModelShape { layer.shape(layers: 1, mlp) }

    var run: DecoderRun {
      DecoderRun(
        batch: batch, depth: depth.count, prompt: tokens, tokens: 0, hasCache: true,
        cache: cache.format, rotary: rotary.rotary)
    }

    var reduced: Problem {
      Problem(
        hidden: layer.hidden, ffn: layer.ffn, heads: layer.heads, kvHeads: layer.kvHeads,
        headDim: layer.headDim, mlp: mlp, format: format, batch: min(2, batch),
        tokens: min(8, tokens), depth: min(8, depth.count), cache: cache, rotary: rotary)
    }
  }

  /// `x` and `y`, both batch × tokens × hidden in fp32. Weights and cache are the kernel's, from the seed.
  package struct Operands: OperandSet {
    let x: Tensor
    let y: Tensor
    let seed: UInt64

    package var operands: [Operand] { [Operand("x", x, .input), Operand("y", y, .output)] }
  }

  package static let name = "decoder-block"
  package static let about = "one layer of a transformer, for a prompt or a step of decoding"
  package static let smallest = Problem(
    hidden: 64, ffn: 96, heads: 4, kvHeads: 2, headDim: 16, format: .fp32, batch: 2, tokens: 5,
    depth: 3)
  package static let defaults = ["mlp": "swiglu", "format": "fp16", "batch": "1", "depth": "0"]
    .with(CacheAxes.defaults, RotaryAxes.defaults(.neox))

  package static func validate(_ problem: Problem) throws {
    try problem.layer.validate(problem.format)
    try problem.cache.validate(headDim: problem.layer.headDim)
    try problem.rotary.validate(headDim: problem.layer.headDim)
  }

  package static func workBound(of problem: Problem) -> Double {
    DecoderWork.workBound(of: problem.shape, problem.run)
  }

  /// Each token takes 2 flops for each weight, and those of attention. Weights, rows and what the cache has
  /// of the tokens before are read once.
  package static func work(of problem: Problem) -> Work {
    let (shape, run) = (problem.shape, problem.run)
    let (first, count) = (run.depth, run.prompt)
    let rows = ElementType.fp32.bytes(of: run.batch * count * shape.hidden)
    let cached = run.cache.tokenBytes(headDim: shape.headDim)
    let weights = DecoderWork.weights(shape, problem.format)
    return Work(
      flops: run.batch
        * (2 * count * weights.count
          + DecoderWork.attentionFlops(shape, DecoderRun.Pass(first: first, count: count))),
      bytesRead: rows + weights.bytes + cached * (run.batch * first * shape.kvHeads),
      bytesWritten: rows, tokens: run.batch * count, format: problem.format.productFormat)
  }

  package static func operands(
    for problem: Problem, seed: UInt64, in ledger: MemoryLedger
  ) throws -> Operands {
    let rows = [problem.batch, problem.tokens, problem.layer.hidden]
    let x = try ledger.tensor(.fp32, rows, .activations)
    x.fillUniform(seed: seed)
    return Operands(x: x, y: try ledger.tensor(.fp32, rows, .activations), seed: seed)
  }

  package static func tolerance(of problem: Problem) -> Tolerance {
    DecoderTolerance.of(problem.shape, problem.format, problem.run)
  }

  package static func expectation(
    of problem: Problem, _ operands: Operands, at sample: OutputSample
  ) -> Expectation {
    let (values, magnitudes) = rows(problem, operands, Set(sample.rows.map { $0 / problem.tokens }))
    return Expectation(
      values: sample.rows.flatMap { row in
        sample.columns.map { values[row / problem.tokens]?[row % problem.tokens][$0] ?? 0 }
      },
      magnitudes: sample.rows.flatMap { row in sample.columns.map { _ in magnitudes } })
  }

  /// Some sequences' results, and how large a result's terms are: as many as the widest product sums up,
  /// each about as large as the rows are.
  private static func rows(_ problem: Problem, _ operands: Operands, _ sequences: Set<Int>) -> (
    values: [Int: [[Double]]], magnitudes: Double
  ) {
    let (tokens, hidden) = (problem.tokens, problem.layer.hidden)
    let reference = DecoderReference(
      problem.shape, problem.format, problem.run, seed: operands.seed)
    var values: [Int: [[Double]]] = [:]
    var squares = 0.0
    for sequence in sequences {
      let rows = (0..<tokens).map { token in
        let start = (sequence * tokens + token) * hidden
        return operands.x.doubles(start..<start + hidden)
      }
      let states = reference.states(rows, sequence: sequence)
      values[sequence] = states
      squares += states.reduce(0) { $0 + $1.reduce(0) { $0 + $1 * $1 } }
    }
    let mean = (squares / Double(max(1, sequences.count * tokens * hidden))).squareRoot()
    return (values, mean * Double(max(hidden, problem.layer.ffn)).squareRoot())
  }

  /// The layer keeps its width, for up to 2 sequences, 8 tokens and 8 tokens before them.
  package static func reduced(_ problem: Problem) -> (problem: Problem, label: String)? {
    let reduced = problem.reduced
    guard reduced != problem else { return nil }
    return (
      reduced,
      "at full width, \(reduced.run.longest) of \(problem.run.longest) tokens"
    )
  }

  package static let variants: [Variant<DecoderBlockWorkload>] = {
    [.reference()]
      + InstructionSet.having(.layers, .cache, .quantized).map { set in
        Variant(set) { problem, operands, execution in
          BlockKernel(
            operands,
            try Transformer(
              problem.shape, weights: MadeUpWeights(problem.shape, seed: operands.seed),
              format: problem.format, run: problem.run, seed: operands.seed,
              .rows(operands.y), instructions: set, execution))
        }
      }
  }()

  /// Layers work on their rows where they are.
  private final class BlockKernel: Kernel {
    private let operands: Operands
    private let transformer: Transformer

    init(_ operands: Operands, _ transformer: Transformer) {
      self.operands = operands
      self.transformer = transformer
    }

    var unused: [MemoryRole: Bytes] { [.kvCache: transformer.unusedBytes] }

    func run() {
      operands.y.start.copyMemory(
        from: operands.x.start, byteCount: operands.x.bytes.count)
      transformer.call()
    }
  }
}
