import Kernels
import Models
import Quantities
import Testing
import Workloads

/// Transformers against those of the transformers package in fp64: see `decoder.py`.
@Suite struct DecoderGoldenTests {
  private static let threads = min(2, ThreadPool.allowedCPUs.count)
  private static let sets = InstructionSet.allCases.filter { $0.missing == nil }

  private static func cases(_ weights: String) throws -> [DecoderGolden] {
    let cases = try GoldenFile<[DecoderGolden]>.cases("decoder").filter { $0.weights == weights }
    try #require(!cases.isEmpty)
    return cases
  }

  /// A prompt at once and then one token after the other, with a cache; or all at once.
  ///
  /// A result strays from fp64 by the roundings on its path, relative to its terms: of each layer's
  /// products and norms as many as their sums have terms, twice, of scores and of what they weight as many
  /// as there are tokens, and of the logits. Weights are such that rows keep their size from layer to
  /// layer, so that no error grows faster than what it is relative to.
  @Test(arguments: try cases("dyadic"), sets)
  func `logits are those of another implementation`(
    golden: DecoderGolden, instructions: InstructionSet
  ) throws {
    for step in 0...golden.tokens {
      let limit = golden.relativeError(step) * golden.terms[step]
      for hasCache in [true, false] {
        for layout in [RotaryLayout.neox, .llama] {
          let found = try logits(
            golden, step, layout, format: .fp32, hasCache: hasCache, instructions)
          #expect(
            farthest(found, from: golden.logits[step]) <= limit,
            "step \(step), \(layout.rawValue), \(hasCache ? "with" : "without") a cache")
        }
      }
    }
  }

  /// What is stored in 16 bits is the same here: only that is rounded which is computed.
  @Test(arguments: try cases("dyadic"), [ElementType.fp16, .bf16])
  func `logits are those of another implementation with weights in 16 bits`(
    golden: DecoderGolden, format: ElementType
  ) throws {
    for instructions in Self.sets {
      let found = try logits(
        golden, golden.tokens, .neox, format: format, hasCache: true, instructions)
      #expect(
        farthest(found, from: golden.logits[golden.tokens])
          <= golden.relativeError(golden.tokens) * golden.terms[golden.tokens],
        "\(instructions.rawValue)")
    }
  }

  /// Layers alone, without an embedding and logits. A state's terms are about as large as states are, as
  /// many as the widest product has.
  @Test(arguments: sets)
  func `states after all layers are those of another implementation`(instructions: InstructionSet)
    throws
  {
    let golden = try #require(try Self.cases("dyadic").first { $0.expectedStates != nil })
    let states = try #require(golden.expectedStates)
    var shape = golden.shape
    shape.vocab = 0
    let weights = DyadicWeights(golden, .neox)
    let ledger = try MemoryLedger()
    let rows = try ledger.tensor(.fp32, [golden.batch, golden.prompt, golden.hidden], .activations)
    let given = golden.prompt + golden.tokens
    for row in 0..<rows.rows {
      let id = golden.ids[row / golden.prompt * given + row % golden.prompt]
      for column in 0..<golden.hidden {
        rows.store(weights.embedding.number(id, column), at: row * golden.hidden + column)
      }
    }
    try Transformer(
      shape, weights: weights, format: .fp32, run: golden.run(step: 0, .neox, hasCache: true),
      seed: 0, .rows(rows), instructions: instructions,
      Execution(ledger: ledger, pool: try ThreadPool(threads: Self.threads))
    ).call()
    let mean = states.reduce(0) { $0 + $1 * $1 } / Double(states.count)
    let terms = (mean * Double(max(golden.hidden, golden.ffn))).squareRoot()
    #expect(
      farthest(rows.doubles(0..<rows.count), from: states) <= golden.relativeError(0) * terms)
  }

  /// To nine digits, which is what the golden file has. What a cache keeps is in fp32: of each layer a
  /// rounding of a key and of a value, and the former's is in a weight, above and below the line.
  @Test(arguments: try cases("made-up"))
  func `the reference's logits are those of another implementation`(golden: DecoderGolden) throws {
    let problem = try golden.problem
    let expected = try scopedOperands(problem, golden) { operands, _ in
      DecoderWorkload.expectation(of: problem, operands, at: golden.allLogits)
    }
    let kept = golden.isOnePass ? 0 : Double(3 * golden.layers) * 0x1p-24
    #expect(
      farthest(expected.values, from: golden.logits[golden.logits.count - 1])
        <= (1e-9 + kept) * golden.terms[golden.terms.count - 1])
  }

  @Test(arguments: try cases("made-up"))
  func `each variant's logits are those of another implementation`(golden: DecoderGolden) throws {
    let problem = try golden.problem
    for variant in DecoderWorkload.variants
    where variant.unavailable == nil && variant.kind != .competitor {
      let found = try scopedOperands(problem, golden) { operands, execution in
        let logits = try #require(operands.operands.first?.tensor)
        logits.fillNaN()
        try variant.prepare(problem, operands, execution).run()
        return logits.doubles(0..<logits.count)
      }
      #expect(
        farthest(found, from: golden.logits[golden.logits.count - 1])
          <= golden.relativeError(golden.tokens) * golden.terms[golden.terms.count - 1],
        "\(variant.name)")
    }
  }

  private func scopedOperands<Result>(
    _ problem: DecoderWorkload.Problem, _ golden: DecoderGolden,
    _ body: (DecoderWorkload.Operands, Execution) throws -> Result
  ) throws -> Result {
    let ledger = try MemoryLedger()
    return try body(
      try DecoderWorkload.operands(for: problem, seed: golden.seed, in: ledger),
      Execution(ledger: ledger, pool: try ThreadPool(threads: Self.threads)))
  }

  private func logits(
    _ golden: DecoderGolden, _ step: Int, _ layout: RotaryLayout, format: ElementType,
    hasCache: Bool, _ instructions: InstructionSet
  ) throws -> [Double] {
    let ledger = try MemoryLedger()
    let run = try golden.run(step: step, layout, hasCache: hasCache)
    let ids = try ledger.tensor(.fp32, [golden.batch, run.given], .activations)
    for index in 0..<ids.count {
      let (sequence, place) = (index / run.given, index % run.given)
      ids.pointer(to: Int32.self)[index] = Int32(
        golden.ids[sequence * (golden.prompt + golden.tokens) + place])
    }
    let logits = try ledger.tensor(.fp32, [golden.batch, golden.vocab], .activations)
    logits.fillNaN()
    try Transformer(
      golden.shape, weights: DyadicWeights(golden, layout), format: format, run: run, seed: 0,
      .tokens(ids: ids, logits: logits), instructions: instructions,
      Execution(ledger: ledger, pool: try ThreadPool(threads: Self.threads))
    ).call()
    return logits.doubles(0..<logits.count)
  }
}

/// A tiny model, what it was given, and what came out.
struct DecoderGolden: Decodable, Sendable, CustomTestStringConvertible {
  let family: String
  let weights: String
  let layers: Int
  let hidden: Int
  let ffn: Int
  let heads: Int
  let kvHeads: Int
  let headDim: Int
  let vocab: Int
  let isTied: Bool
  let mlp: FeedForward
  let layout: RotaryLayout
  let base: Int
  let scaling: String
  let batch: Int
  let depth: Int
  let prompt: Int
  let tokens: Int
  let seed: UInt64
  let ids: [Int]
  /// After the prompt, where there is one, and after each token that follows.
  let logits: [[Double]]
  let terms: [Double]
  /// Of all of the prompt's tokens.
  let expectedStates: [Double]?

  private enum CodingKeys: String, CodingKey {
    case family, weights, layers, hidden, ffn, heads, kvHeads, headDim, vocab, isTied, mlp, layout
    case base, scaling, batch, depth, prompt, tokens, seed, ids, logits, terms
    case expectedStates = "states"
  }

  var testDescription: String {
    "\(family), \(weights) weights, prompt \(prompt), tokens \(tokens), depth \(depth)"
  }

  var shape: ModelShape {
    ModelShape(
      layers: layers, hidden: hidden, ffn: ffn, heads: heads, kvHeads: kvHeads, headDim: headDim,
      vocab: vocab, isTied: isTied, mlp: mlp)
  }

  private var rotaryScaling: RotaryScaling {
    get throws { try #require(RotaryScaling(axisText: scaling)) }
  }

  /// The prompt, and as many of the tokens that follow.
  func run(step: Int, _ layout: RotaryLayout, hasCache: Bool) throws -> DecoderRun {
    DecoderRun(
      batch: batch, depth: 0, prompt: prompt, tokens: step, hasCache: hasCache,
      cache: CacheFormat(keys: .fp32, values: .fp32, paging: .pages(16)),
      rotary: Rotary(layout, base: base, scaling: try rotaryScaling))
  }

  var problem: DecoderWorkload.Problem {
    get throws {
      DecoderWorkload.Problem(
        layers: layers, hidden: hidden, ffn: ffn, heads: heads, kvHeads: kvHeads,
        headDim: headDim, vocab: vocab, tied: isTied ? .yes : .no, mlp: mlp, format: .fp32,
        batch: batch, phase: prompt == 0 ? .decode : tokens == 0 ? .prefill : .both,
        prompt: prompt, tokens: tokens, depth: depth, kvCache: isOnePass ? .off : .on,
        cache: CacheAxes(keys: .fp32, values: .fp32),
        rotary: RotaryAxes(layout, base: base, scaling: try rotaryScaling))
    }
  }

  var isOnePass: Bool { depth + tokens == 0 }

  var allLogits: OutputSample {
    OutputSample(
      rows: batch, columns: vocab, flopsPerResult: 1, flopBudget: .max, countBudget: .max, seed: 0)
  }

  /// Of a result after so many tokens beyond the prompt, relative to its terms.
  func relativeError(_ step: Int) -> Double {
    let each = shape.products.map { 2 * shape.matrix($0).k }.reduce(0, +)
    let longest = depth + prompt + step
    return Tolerance.sum(roundings: layers * (each + 2 * longest) + 2 * hidden).relative
  }
}

/// Weights that are exact in fp32, fp16 and bf16; `decoder.py` draws them alike.
struct DyadicWeights: ModelWeights {
  private let golden: DecoderGolden
  private let layout: RotaryLayout

  /// - Parameter layout: rows of queries and keys lie as it pairs them.
  init(_ golden: DecoderGolden, _ layout: RotaryLayout) {
    self.golden = golden
    self.layout = layout
  }

  struct Source: MatrixSource {
    let seed: UInt32
    let columns: Int
    let scale: Float
    /// Of a head whose pairs are neighbours; nil where rows are as transformers has them.
    let pairedDepth: Int?

    func number(_ row: Int, _ column: Int) -> Float {
      scale * dyadic(seed, self.row(row) * columns + column)
    }

    /// As llama.cpp's `permute` in `convert_hf_to_gguf.py` moves rows: one of a half of a head, then its
    /// pair of the other half.
    private func row(_ row: Int) -> Int {
      guard let depth = pairedDepth else { return row }
      let place = row % depth
      return row - place + place % 2 * (depth / 2) + place / 2
    }

    func tensor(_ format: WeightFormat, rows: Int, in ledger: MemoryLedger) throws -> Tensor {
      let tensor = try ledger.tensor(format.elementType, [rows, columns], .weights)
      for index in 0..<tensor.count {
        tensor.store(number(index / columns, index % columns), at: index)
      }
      return tensor
    }
  }

  func matrix(_ product: ModelShape.Product, layer: Int) -> Source {
    let isPaired = layout == .llama && (product == .q || product == .k)
    return source(
      8 * layer + product.rawValue + 2, columns: golden.shape.matrix(product).k,
      pairedDepth: isPaired ? golden.headDim : nil)
  }

  var embedding: Source { source(0, columns: golden.hidden) }
  var logits: Source { source(golden.isTied ? 0 : 1, columns: golden.hidden) }

  func gain(_ index: Int, _ column: Int) -> Float {
    1 + dyadic(hash32(UInt32(golden.seed), UInt32(1 << 16 + index)), column) / 32
  }

  private func source(_ index: Int, columns: Int, pairedDepth: Int? = nil) -> Source {
    Source(
      seed: hash32(UInt32(golden.seed), UInt32(index)), columns: columns,
      scale: index == 0 ? 0x1p-10 : 0x1p-5, pairedDepth: pairedDepth)
  }
}
