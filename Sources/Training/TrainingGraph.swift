import Kernels
import Models
import Quantities

/// The operations of a decoder-only transformer with its loss, from its weights.
struct TrainingGraph {
  let graph: Graph
  let parameters: [Parameter]

  private struct Shared {
    let shape: ModelShape
    let rows: Int
    let norm: RootMeanSquareNorm
    let swiglu: SwiGLU
    let gemm: Gemm
    let rotation: Rotation?
    let attention: AttentionKernels
  }

  /// - Throws: `LedgerFault` where weights or workspace do not fit.
  init(
    _ shape: ModelShape, weights: any ModelWeights, batch: TrainingBatch,
    _ options: TrainingOptions, instructions: InstructionSet, _ execution: Execution
  ) throws {
    let weights = try TrainingWeights(shape, weights, in: execution.ledger)
    let gemm = try Gemm(
      Self.products(shape, batch, options), instructions: instructions, execution)
    let shared = Shared(
      shape: shape, rows: batch.rows,
      norm: RootMeanSquareNorm(
        columns: shape.hidden, epsilon: ModelShape.epsilon, instructions: instructions,
        pool: execution.pool),
      swiglu: SwiGLU(instructions: instructions, pool: execution.pool), gemm: gemm,
      rotation: options.rotary.isNone
        ? nil
        : try Rotation(
          options.rotary, headDim: shape.headDim, batch: batch, instructions: instructions,
          execution),
      attention: try AttentionKernels(
        heads: shape.heads, kvHeads: shape.kvHeads, headDim: shape.headDim, batch: batch,
        instructions: instructions, execution))
    var graph = Graph()
    var x = graph.value(
      "x", layer: shape.layers > 0 ? 0 : nil, .input, rows: batch.rows, columns: shape.hidden)
    graph.add(
      EmbeddingOperation(
        weights.embedding, to: x, batch: batch,
        TokenEmbedding(columns: shape.hidden, pool: execution.pool)))
    for layer in 0..<shape.layers {
      x = Self.add(layer, x, weights.layers[layer], shared, to: &graph)
    }
    let normed = Self.norm("last norm", layer: nil, x, weights.lastGain, shared, to: &graph)
    graph.add(
      LossOperation(
        normed, weights: weights.logits, batch: batch,
        LinearCrossEntropy(
          columns: shape.hidden, vocabulary: shape.vocab, chunks: options.loss, gemm: gemm,
          instructions: instructions, pool: execution.pool)))
    self.graph = graph
    parameters = weights.all
  }

  private static func products(
    _ shape: ModelShape, _ batch: TrainingBatch, _ options: TrainingOptions
  ) -> [Gemm.Shape] {
    let (queries, keys) = (shape.heads * shape.headDim, shape.kvHeads * shape.headDim)
    let forward = [
      Gemm.Shape(n: queries, keys, keys, k: shape.hidden), Gemm.Shape(n: shape.hidden, k: queries),
      Gemm.Shape(n: shape.ffn, shape.ffn, k: shape.hidden),
      Gemm.Shape(n: shape.hidden, k: shape.ffn),
    ]
    let inputs = [
      Gemm.Shape(n: shape.hidden, k: queries), Gemm.Shape(n: shape.hidden, k: keys),
      Gemm.Shape(n: queries, k: shape.hidden), Gemm.Shape(n: shape.ffn, k: shape.hidden),
    ]
    let weights = [shape.hidden, queries, shape.ffn].map { Gemm.Shape(n: $0, k: batch.rows) }
    return forward + inputs + weights
      + LinearCrossEntropy.shapes(
        rows: batch.rows, columns: shape.hidden, vocabulary: shape.vocab, chunks: options.loss)
  }

  private static func norm(
    _ name: String, layer: Int?, _ x: Value, _ gain: Parameter, _ shared: Shared,
    to graph: inout Graph
  ) -> Value {
    let y = graph.value(
      name, layer: layer, .pointwise, rows: shared.rows, columns: shared.shape.hidden)
    let inverse = graph.value(
      "\(name)'s inverse", layer: layer, .small, rows: shared.rows, columns: 1)
    graph.add(
      NormOperation(
        name, layer: layer, x, gain: gain, to: y, inverse: inverse, rows: shared.rows,
        shared.norm))
    return y
  }

  /// One layer; gives what the next is given.
  private static func add(
    _ layer: Int, _ x: Value, _ weights: TrainingWeights.Layer, _ shared: Shared,
    to graph: inout Graph
  ) -> Value {
    let shape = shared.shape
    func value(_ name: String, _ part: ValueFacts.Part, _ columns: Int) -> Value {
      graph.value(name, layer: layer, part, rows: shared.rows, columns: columns)
    }
    let (queries, keys) = (shape.heads * shape.headDim, shape.kvHeads * shape.headDim)
    let normed = norm("attention norm", layer: layer, x, weights.attentionGain, shared, to: &graph)
    let (q, k, v) = (
      value("q", .projected, queries), value("k", .projected, keys),
      value("v", .projected, keys)
    )
    graph.add(
      LinearOperation(
        "q, k, v", layer: layer, normed,
        [
          .init(weights.q, to: q, isRotated: true), .init(weights.k, to: k, isRotated: true),
          .init(weights.v, to: v),
        ], rows: shared.rows, columns: shape.hidden, activations: .fp32,
        rotation: shared.rotation, shared.gemm))
    let (o, logSums) = (value("o", .attended, queries), value("log sums", .small, shape.heads))
    graph.add(
      AttentionOperation(
        layer: layer, q: q, k: k, v: v, to: o, logSums: logSums, shared.attention))
    let middle = value("middle", .middle, shape.hidden)
    graph.add(
      LinearOperation(
        "out", layer: layer, o, [.init(weights.out, to: middle)], around: x, rows: shared.rows,
        columns: queries, activations: .fp32, shared.gemm))
    let network = norm(
      "network norm", layer: layer, middle, weights.networkGain, shared, to: &graph)
    let (gate, up) = (value("gate", .projected, shape.ffn), value("up", .projected, shape.ffn))
    graph.add(
      LinearOperation(
        "gate, up", layer: layer, network,
        [.init(weights.gate, to: gate), .init(weights.up, to: up)], rows: shared.rows,
        columns: shape.hidden, activations: .fp32, shared.gemm))
    let product = value("swiglu", .pointwise, shape.ffn)
    graph.add(
      SwiGLUOperation(
        layer: layer, gate: gate, up: up, to: product, count: shared.rows * shape.ffn,
        shared.swiglu))
    let isLast = layer + 1 == shape.layers
    let y = graph.value(
      "x", layer: isLast ? nil : layer + 1, .input, rows: shared.rows, columns: shape.hidden)
    graph.add(
      LinearOperation(
        "down", layer: layer, product, [.init(weights.down, to: y)], around: middle,
        rows: shared.rows, columns: shape.ffn, activations: .fp32, shared.gemm))
    return y
  }
}
