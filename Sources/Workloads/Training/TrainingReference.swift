import Kernels
import Models
import Quantities

/// The loss and all gradients of one step in fp64, from a model's weights.
struct TrainingReference {
  /// The mean over the rows that have a target.
  let loss: Double
  /// By the names that published files use.
  let gradients: [String: [Double]]

  /// What a step is computed on.
  struct Input {
    let shape: ModelShape
    let rotary: Rotary
    /// Of a micro-batch.
    let sequences: [Int]
    /// Of all micro-batches, one after the other; a target is less than 0 where a row has no loss.
    let ids: [Int]
    let targets: [Int]
  }

  init(_ input: Input, weights: [String: ReferenceTape.Node]) {
    let rows = input.sequences.reduce(0, +)
    let factor = 1 / Double(max(1, input.targets.count { $0 >= 0 }))
    var loss = 0.0
    for first in stride(from: 0, to: input.ids.count, by: rows) {
      let tape = ReferenceTape()
      let found = Self.loss(
        tape, input, weights, ids: Array(input.ids[first..<first + rows]),
        targets: Array(input.targets[first..<first + rows]), factor)
      tape.goBack(from: found)
      loss += found.values[0]
    }
    self.loss = loss
    gradients = weights.mapValues(\.gradient)
  }

  private static func loss(
    _ tape: ReferenceTape, _ input: Input, _ weights: [String: ReferenceTape.Node], ids: [Int],
    targets: [Int], _ factor: Double
  ) -> ReferenceTape.Node {
    let shape = input.shape
    let positions = input.sequences.flatMap { Array(0..<$0) }
    let epsilon = Double(ModelShape.epsilon)
    func weight(_ name: String) -> ReferenceTape.Node {
      guard let node = weights[name] else { preconditionFailure("a model has \(name)") }
      return node
    }
    var x = tape.gather(weight("model.embed_tokens.weight"), ids)
    for layer in 0..<shape.layers {
      func of(_ name: String) -> ReferenceTape.Node {
        weight("model.layers.\(layer).\(name).weight")
      }
      let normed = tape.norm(x, of("input_layernorm"), epsilon: epsilon)
      func rotated(_ node: ReferenceTape.Node) -> ReferenceTape.Node {
        tape.rotate(node, input.rotary, headDim: shape.headDim, positions: positions)
      }
      let q = rotated(tape.product(normed, of("self_attn.q_proj")))
      let k = rotated(tape.product(normed, of("self_attn.k_proj")))
      let v = tape.product(normed, of("self_attn.v_proj"))
      let o = tape.attention(
        q, k, v, heads: shape.heads, kvHeads: shape.kvHeads, headDim: shape.headDim,
        sequences: input.sequences)
      let middle = tape.add(x, tape.product(o, of("self_attn.o_proj")))
      let network = tape.norm(middle, of("post_attention_layernorm"), epsilon: epsilon)
      let gate = tape.silu(tape.product(network, of("mlp.gate_proj")))
      let product = tape.times(gate, tape.product(network, of("mlp.up_proj")))
      x = tape.add(middle, tape.product(product, of("mlp.down_proj")))
    }
    let normed = tape.norm(x, weight("model.norm.weight"), epsilon: epsilon)
    let head = weight(shape.isTied ? "model.embed_tokens.weight" : "lm_head.weight")
    return tape.crossEntropy(tape.product(normed, head), targets, by: factor)
  }
}
