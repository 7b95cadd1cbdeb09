package import Quantities

/// One layer of a transformer: norm, queries, keys and values, rotary embedding, attention, output, norm,
/// feed-forward network, and what was there added after both.
///
/// - Shapes: `x` and `y` are batch × tokens × hidden in fp32; weights in any format. `tokens` go through at
///   once, after `depth` that a cache has: 1 is a step of decoding.
/// - Work, error and source: as of `decoder`.
package enum DecoderBlock: Workload {
  package struct Problem: Codable, Hashable, Sendable {
    package let hidden: Int
    package let ffn: Int
    package let heads: Int
    package let kvHeads: Int
    package let headDim: Int
    package let mlp: FeedForward
    package let format: ElementType
    package let batch: Int
    package let tokens: Int
    package let depth: Depth
    package let cache: CacheAxes
    package let rotary: RotaryAxes

    package init(
      hidden: Int, ffn: Int, heads: Int, kvHeads: Int, headDim: Int, mlp: FeedForward = .swiglu,
      format: ElementType = .fp16, batch: Int = 1, tokens: Int, depth: Int = 0,
      cache: CacheAxes = CacheAxes(), rotary: RotaryAxes = RotaryAxes(.neox)
    ) {
      self.hidden = hidden
      self.ffn = ffn
      self.heads = heads
      self.kvHeads = kvHeads
      self.headDim = headDim
      self.mlp = mlp
      self.format = format
      self.batch = batch
      self.tokens = tokens
      self.depth = Depth(depth)
      self.cache = cache
      self.rotary = rotary
    }

    var shape: DecoderShape {
      DecoderShape(
        layers: 1, hidden: hidden, ffn: ffn, heads: heads, kvHeads: kvHeads, headDim: headDim,
        vocab: 0, isTied: false, mlp: mlp, format: format)
    }

    var run: DecoderRun {
      DecoderRun(
        batch: batch, depth: depth.count, prompt: tokens, tokens: 0, hasCache: true, cache: cache,
        rotary: rotary)
    }

    var reduced: Problem {
      Problem(
        hidden: hidden, ffn: ffn, heads: heads, kvHeads: kvHeads, headDim: headDim, mlp: mlp,
        format: format, batch: min(2, batch), tokens: min(8, tokens),
        depth: min(8, depth.count), cache: cache, rotary: rotary)
    }
  }

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
    try problem.shape.validate()
    try AttentionDecode.validate(
      problem.run.attention(problem.shape, DecoderRun.Pass(first: 1, count: 1)))
  }

  package static func magnitude(of problem: Problem) -> Double {
    problem.shape.magnitude(of: problem.run)
  }

  package static func work(of problem: Problem) -> Work {
    let (shape, run) = (problem.shape, problem.run)
    let weights = shape.weightsRead
    let (first, count) = (run.depth, run.prompt)
    let pairs = count * first + AttentionMask.causal.pairs(of: count)
    let rows = ElementType.fp32.bytes(of: run.batch * count * shape.hidden)
    let cached = problem.cache.tokenBytes(headDim: shape.headDim)
    return Work(
      flops: run.batch
        * (2 * count * weights.reduce(0) { $0 + $1.n * $1.k }
          + 4 * shape.heads * shape.headDim * pairs),
      bytesRead: rows
        + weights.reduce(Bytes.zero) { $0 + $1.weightFormat.bytes(rows: $1.n, columns: $1.k) }
        + cached * (run.batch * first * shape.kvHeads),
      bytesWritten: rows, tokens: run.batch * count,
      format: weights[0].isQuantized ? .int8 : .fp32)
  }

  package static func operands(
    for problem: Problem, seed: UInt64, in ledger: MemoryLedger
  ) throws -> Operands {
    let rows = [problem.batch, problem.tokens, problem.hidden]
    let x = try ledger.tensor(.fp32, rows, .activations)
    x.fillUniform(seed: seed)
    return Operands(x: x, y: try ledger.tensor(.fp32, rows, .activations), seed: seed)
  }

  package static func tolerance(of problem: Problem) -> Tolerance {
    DecoderTolerance.of(problem.shape, problem.run)
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
    let (tokens, hidden) = (problem.tokens, problem.hidden)
    let reference = DecoderReference(problem.shape, problem.run, seed: operands.seed)
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
    return (values, mean * Double(max(hidden, problem.ffn)).squareRoot())
  }

  package static func reduced(_ problem: Problem) -> (problem: Problem, label: String)? {
    let reduced = problem.reduced
    guard reduced != problem else { return nil }
    return (
      reduced,
      "at full width, \(reduced.run.longest) of \(problem.run.longest) tokens"
    )
  }

  package static var variants: [Variant<DecoderBlock>] {
    [.reference()]
      + DecoderLoops.sets.map { set in
        Variant(name: set.rawValue, requirements: set.requirements) {
          problem, operands, execution in
          BlockKernel(
            operands,
            try DecoderEngine(
              shape: problem.shape, run: problem.run, seed: operands.seed, loops: DecoderLoops(set),
              x: operands.y, ids: nil, logits: nil, execution: execution))
        }
      }
  }

  /// Layers work on their rows where they are.
  private final class BlockKernel: Kernel {
    private let operands: Operands
    private let engine: DecoderEngine

    init(_ operands: Operands, _ engine: DecoderEngine) {
      self.operands = operands
      self.engine = engine
    }

    var unused: [MemoryRole: Bytes] { [.kvCache: engine.unusedBytes] }

    func run() {
      operands.y.start.copyMemory(
        from: operands.x.start, byteCount: operands.x.bytes.count)
      engine.call()
    }
  }

  package static func memory(
    of problem: Problem, variant: Variant<DecoderBlock>, threads: Int
  ) -> MemoryPlan {
    let held: [MemoryRole: Bytes] = [
      .activations: ElementType.fp32.bytes(
        of: 2 * problem.batch * problem.tokens * problem.hidden)
    ]
    return DecoderEngine.plan(
      problem.shape, problem.run, operands: held, ownsRows: false, variant: variant.name,
      threads: threads)
  }
}
