import Kernels
import Models
import Quantities

/// A model's weights as a step trains them, each by the name that published files use.
struct TrainingWeights {
  let embedding: Parameter
  let layers: [Layer]
  let lastGain: Parameter
  /// The embedding itself where they are tied.
  let logits: Parameter

  struct Layer {
    let attentionGain: Parameter
    let q: Parameter
    let k: Parameter
    let v: Parameter
    let out: Parameter
    let networkGain: Parameter
    let gate: Parameter
    let up: Parameter
    let down: Parameter

    var all: [Parameter] { [attentionGain, q, k, v, out, networkGain, gate, up, down] }
  }

  /// All of them, each once.
  var all: [Parameter] {
    [embedding] + layers.flatMap(\.all) + [lastGain] + (logits === embedding ? [] : [logits])
  }

  init(_ shape: ModelShape, _ weights: any ModelWeights, in ledger: MemoryLedger) throws {
    func matrix(_ name: String, _ source: any MatrixSource, _ size: ModelShape.Matrix) throws
      -> Parameter
    {
      Parameter(
        name: name, tensor: try source.tensor(WeightFormat(.fp32), rows: size.n, in: ledger),
        isTrained: true)
    }
    func gain(_ name: String, _ index: Int) throws -> Parameter {
      let tensor = try ledger.tensor(.fp32, [1, shape.hidden], .weights)
      if !tensor.isPlan {
        for column in 0..<shape.hidden { tensor.store(weights.gain(index, column), at: column) }
      }
      return Parameter(name: name, tensor: tensor, isTrained: true)
    }
    embedding = try matrix("model.embed_tokens.weight", weights.embedding, shape.vocabulary)
    layers = try (0..<shape.layers).map { layer in
      func product(_ name: String, _ product: ModelShape.Product) throws -> Parameter {
        try matrix(
          "model.layers.\(layer).\(name).weight", weights.matrix(product, layer: layer),
          shape.matrix(product))
      }
      return Layer(
        attentionGain: try gain("model.layers.\(layer).input_layernorm.weight", 2 * layer),
        q: try product("self_attn.q_proj", .q), k: try product("self_attn.k_proj", .k),
        v: try product("self_attn.v_proj", .v), out: try product("self_attn.o_proj", .out),
        networkGain: try gain(
          "model.layers.\(layer).post_attention_layernorm.weight", 2 * layer + 1),
        gate: try product("mlp.gate_proj", .gate), up: try product("mlp.up_proj", .up),
        down: try product("mlp.down_proj", .down))
    }
    lastGain = try gain("model.norm.weight", 2 * shape.layers)
    logits =
      shape.isTied
      ? embedding : try matrix("lm_head.weight", weights.logits, shape.vocabulary)
  }
}
