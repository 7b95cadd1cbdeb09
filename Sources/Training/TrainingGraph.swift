import Kernels
import Models
import Quantities

/// The operations of a decoder-only transformer with its loss, from its weights and those of an adapter.
struct TrainingGraph {
  private(set) var graph = Graph()
  private let shape: ModelShape
  private let batch: TrainingBatch
  private let options: TrainingOptions
  private let weights: TrainingWeights
  private let adapters: AdapterMaker
  private let norm: RootMeanSquareNorm
  private let swiglu: SwiGLU
  private let tools: LinearOperation.Tools
  private let rotation: Rotation?
  /// Nil where attention is naive: their workspace is not needed then.
  private let attention: AttentionKernels?
  private let pool: ThreadPool
  private let instructions: InstructionSet

  /// - Throws: `LedgerFault` where weights or workspace do not fit.
  init(
    _ shape: ModelShape, weights: any ModelWeights, adapters: any AdapterWeights,
    batch: TrainingBatch, _ options: TrainingOptions, instructions: InstructionSet,
    _ execution: Execution
  ) throws {
    self.shape = shape
    self.batch = batch
    self.options = options
    pool = execution.pool
    self.instructions = instructions
    self.weights = try TrainingWeights(shape, weights, options, in: execution.ledger)
    self.adapters = AdapterMaker(
      options: options.adapter, weights: adapters, ledger: execution.ledger)
    let activations = options.precision.activations
    norm = RootMeanSquareNorm(
      columns: shape.hidden, epsilon: ModelShape.epsilon, activations: activations,
      instructions: instructions, pool: pool)
    swiglu = SwiGLU(activations: activations, instructions: instructions, pool: pool)
    tools = try Self.tools(shape, batch, options, instructions, execution)
    rotation =
      options.rotary.isNone
      ? nil
      : try Rotation(
        options.rotary, headDim: shape.headDim, batch: batch, instructions: instructions,
        execution)
    attention =
      options.attention == .naive
      ? nil
      : try AttentionKernels(
        heads: shape.heads, kvHeads: shape.kvHeads, headDim: shape.headDim, batch: batch,
        prefix: options.adapter.adapter.prefix, tools.narrowing, instructions: instructions,
        execution)
    try build(instructions)
  }

  private static func tools(
    _ shape: ModelShape, _ batch: TrainingBatch, _ options: TrainingOptions,
    _ instructions: InstructionSet, _ execution: Execution
  ) throws -> LinearOperation.Tools {
    let isQuantized = !options.adapter.adapter.isNone && options.base.isQuantized
    let quantized =
      isQuantized
      ? shape.products.map(shape.matrix).map { (rows: $0.n, columns: $0.k) } : []
    let gemm = try Gemm(
      products(shape, batch, options) + BaseProducts.shapes(quantized: quantized),
      instructions: instructions, execution)
    return LinearOperation.Tools(
      gemm: gemm,
      base: try BaseProducts(
        gemm, quantized: quantized, activations: options.precision.activations,
        instructions: instructions, execution),
      dropout: Dropout(
        share: options.adapter.dropout, seed: UInt32(truncatingIfNeeded: options.seed),
        pool: execution.pool),
      narrowing: Narrowing(
        options.precision.activations, instructions: instructions, pool: execution.pool))
  }

  private static func products(
    _ shape: ModelShape, _ batch: TrainingBatch, _ options: TrainingOptions
  ) -> [Gemm.Shape] {
    let (queries, keys) = (shape.heads * shape.headDim, shape.kvHeads * shape.headDim)
    let (hidden, ffn) = (shape.hidden, shape.ffn)
    let forward = [
      Gemm.Shape(n: queries, keys, keys, k: hidden), Gemm.Shape(n: hidden, k: queries),
      Gemm.Shape(n: ffn, ffn, k: hidden), Gemm.Shape(n: hidden, k: ffn),
    ]
    let inputs = [
      Gemm.Shape(n: hidden, k: queries), Gemm.Shape(n: hidden, k: keys),
      Gemm.Shape(n: queries, k: hidden), Gemm.Shape(n: ffn, k: hidden),
    ]
    let weights = [hidden, queries, ffn].map { Gemm.Shape(n: $0, k: batch.rows) }
    let thin = options.adapter.adapter.width.map { width in
      [hidden, queries, keys, ffn].flatMap {
        [Gemm.Shape(n: width, k: $0), Gemm.Shape(n: $0, k: width)]
      } + [Gemm.Shape(n: width, k: batch.rows)]
    }
    let squares =
      options.attention == .tiled
      ? []
      : Set(batch.sequences).flatMap {
        [Gemm.Shape(n: $0, k: shape.headDim), Gemm.Shape(n: shape.headDim, k: $0)]
      }
    return forward + inputs + weights + (thin ?? []) + squares
      + LinearCrossEntropy.shapes(
        rows: batch.rows, columns: hidden, vocabulary: shape.vocab, chunks: options.loss)
  }

  private mutating func build(_ instructions: InstructionSet) throws {
    var x = value("x", shape.layers > 0 ? 0 : nil, .input, shape.hidden)
    graph.add(
      EmbeddingOperation(
        weights.embedding, to: x, batch: batch,
        TokenEmbedding(
          columns: shape.hidden, table: weights.embedding.format.plain ?? .fp32,
          activations: options.precision.activations, pool: pool)))
    for layer in 0..<shape.layers { x = try addLayer(layer, x) }
    let normed = addNorm("last norm", layer: nil, x, weights.lastGain)
    graph.add(
      LossOperation(
        normed, weights: weights.logits, batch: batch,
        LinearCrossEntropy(
          columns: shape.hidden, vocabulary: shape.vocab, chunks: options.loss,
          activations: options.precision.activations, gemm: tools.gemm, instructions: instructions,
          pool: pool)))
  }

  // MARK: A layer

  private mutating func value(
    _ name: String, _ layer: Int?, _ part: ValueFacts.Part, _ columns: Int
  ) -> Value {
    // A few numbers of each row stay in fp32.
    graph.value(
      name, layer: layer, part, rows: batch.rows, columns: columns,
      part == .small ? .fp32 : options.precision.activations)
  }

  private mutating func addNorm(_ name: String, layer: Int?, _ x: Value, _ gain: Parameter) -> Value
  {
    let y = value(name, layer, .pointwise, shape.hidden)
    let inverse = value("\(name)'s inverse", layer, .small, 1)
    graph.add(
      NormOperation(
        name, layer: layer, x, gain: gain, to: y, inverse: inverse, rows: batch.rows, norm))
    return y
  }

  private mutating func projection(
    _ product: ModelShape.Product, _ layer: Int, to y: Value, isRotated: Bool = false
  ) throws -> LinearOperation.Projection {
    LinearOperation.Projection(
      weights.layers[layer][product], to: y, isRotated: isRotated,
      lora: try adapters.lora(
        product, layer: layer, shape.matrix(product), to: &graph, rows: batch.rows))
  }

  /// Gives what the next layer is given.
  private mutating func addLayer(_ layer: Int, _ x: Value) throws -> Value {
    let normed = addNorm("attention norm", layer: layer, x, weights.layers[layer].attentionGain)
    let o = try addAttention(layer, normed)
    let middle = try addProduct(.out, layer, o, around: x, to: ("middle", layer, .middle))
    let network = addNorm(
      "network norm", layer: layer, middle, weights.layers[layer].networkGain)
    let product = try addNetwork(layer, network)
    let next = layer + 1 == shape.layers ? nil : layer + 1
    return try addProduct(.down, layer, product, around: middle, to: ("x", next, .input))
  }

  private mutating func addAttention(_ layer: Int, _ normed: Value) throws -> Value {
    let (queries, keys) = (shape.heads * shape.headDim, shape.kvHeads * shape.headDim)
    let isScaled = options.adapter.adapter == .ia3
    let q = value("q", layer, .projected, queries)
    var k = value(isScaled ? "k before its factor" : "k", layer, .projected, keys)
    var v = value(isScaled ? "v before its factor" : "v", layer, .projected, keys)
    graph.add(
      LinearOperation(
        "q, k, v", layer: layer, normed,
        [
          try projection(.q, layer, to: q, isRotated: true),
          try projection(.k, layer, to: k, isRotated: !isScaled),
          try projection(.v, layer, to: v),
        ], rows: batch.rows, columns: shape.hidden, rotation: rotation, tools))
    if isScaled {
      k = try addFactor("k", .k, layer, k, columns: keys, rotation: rotation)
      v = try addFactor("v", .v, layer, v, columns: keys)
    }
    let o = value("o", layer, .attended, queries)
    guard let attention else {
      addNaiveAttention(layer, q: q, k: k, v: v, to: o)
      return o
    }
    let prefix = options.adapter.adapter.prefix
    let logSums = graph.value(
      "log sums", layer: layer, .small, rows: batch.rows + prefix * batch.sequences.count,
      columns: shape.heads)
    guard prefix > 0 else {
      graph.add(
        AttentionOperation(layer: layer, q: q, k: k, v: v, to: o, logSums: logSums, attention))
      return o
    }
    graph.add(
      PrefixAttentionOperation(
        layer: layer, q: q, k: k, v: v,
        keys: try adapters.parameter(
          "prefix.\(layer).keys", .prefix, rows: prefix, columns: keys),
        values: try adapters.parameter(
          "prefix.\(layer).values", .prefix, rows: prefix, columns: keys), to: o,
        logSums: logSums, batch: batch, queries: queries, headDim: shape.headDim, attention))
    return o
  }

  private mutating func addNaiveAttention(_ layer: Int, q: Value, k: Value, v: Value, to o: Value) {
    let naive = NaiveAttentionShape(
      heads: shape.heads, kvHeads: shape.kvHeads, headDim: shape.headDim, batch: batch,
      tools: tools,
      softmax: SoftmaxRows(
        options.precision.activations, instructions: instructions, pool: pool))
    let p = graph.value(
      "weights of attention", layer: layer, .scores, rows: naive.weights, columns: 1,
      options.precision.activations)
    graph.add(NaiveScoresOperation(layer: layer, q: q, k: k, to: p, naive))
    graph.add(NaiveValuesOperation(layer: layer, p: p, v: v, to: o, naive))
  }

  private mutating func addFactor(
    _ name: String, _ product: ModelShape.Product, _ layer: Int, _ x: Value, columns: Int,
    rotation: Rotation? = nil
  ) throws -> Value {
    let y = value(name, layer, .pointwise, columns)
    let isInput = product == .down
    graph.add(
      FactorOperation(
        "factor of \(name)", layer: layer, x,
        factor: try adapters.parameter(
          "\(AdapterMaker.name(layer, product.module)).ia3_l", .factor,
          rows: isInput ? 1 : columns, columns: isInput ? columns : 1), to: y, rows: batch.rows,
        rotation: rotation, tools.narrowing, pool: pool))
    return y
  }

  private mutating func addNetwork(_ layer: Int, _ network: Value) throws -> Value {
    let gate = value("gate", layer, .expanded, shape.ffn)
    let up = value("up", layer, .expanded, shape.ffn)
    graph.add(
      LinearOperation(
        "gate, up", layer: layer, network,
        [try projection(.gate, layer, to: gate), try projection(.up, layer, to: up)],
        rows: batch.rows, columns: shape.hidden, tools))
    let product = value("swiglu", layer, .pointwise, shape.ffn)
    graph.add(
      SwiGLUOperation(
        layer: layer, gate: gate, up: up, to: product, count: batch.rows * shape.ffn, swiglu))
    guard options.adapter.adapter == .ia3 else { return product }
    return try addFactor("product", .down, layer, product, columns: shape.ffn)
  }

  /// A product whose output is added to what went around, by way of a bottleneck where there is one.
  private mutating func addProduct(
    _ product: ModelShape.Product, _ layer: Int, _ x: Value, around: Value,
    to output: (name: String, layer: Int?, part: ValueFacts.Part)
  ) throws -> Value {
    let columns = shape.matrix(product).k
    let name = product == .out ? "out" : "down"
    guard case .bottleneck(let width) = options.adapter.adapter else {
      let y = value(output.name, output.layer, output.part, shape.hidden)
      graph.add(
        LinearOperation(
          name, layer: layer, x, [try projection(product, layer, to: y)], around: around,
          rows: batch.rows, columns: columns, tools))
      return y
    }
    let z = value("\(name)'s output", layer, .projected, shape.hidden)
    graph.add(
      LinearOperation(
        name, layer: layer, x, [try projection(product, layer, to: z)], rows: batch.rows,
        columns: columns, tools))
    let inner = value("bottleneck", layer, .small, width)
    let y = value(output.name, output.layer, output.part, shape.hidden)
    let module = "bottleneck.\(layer).\(product == .out ? "attention" : "network")"
    graph.add(
      BottleneckOperation(
        "bottleneck", layer: layer, z, around: around,
        down: try adapters.parameter(
          "\(module).down", .down, rows: width, columns: shape.hidden),
        up: try adapters.parameter("\(module).up", .up, rows: shape.hidden, columns: width),
        to: y, inner: inner, rows: batch.rows, tools, pool: pool))
    return y
  }
}

extension Adapter {
  /// Tokens before the first.
  var prefix: Int {
    if case .prefix(let tokens) = self { tokens } else { 0 }
  }

  /// How few numbers a row goes through, where it does.
  var width: Int? {
    switch self {
    case .lora(let rank): rank
    case .bottleneck(let width): width
    case .none, .prefix, .ia3: nil
    }
  }
}
