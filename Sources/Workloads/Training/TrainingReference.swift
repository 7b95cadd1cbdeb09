package import Kernels
package import Models
import Quantities
package import Training

/// The loss and all gradients of one step in fp64, from a model's weights.
package struct TrainingReference {
  /// The mean over the rows that have a target.
  package let loss: Double
  /// By the names that published files use.
  package let gradients: [String: [Double]]

  /// What a step is computed on.
  package struct Input {
    let shape: ModelShape
    let rotary: Rotary
    let adapter: AdapterOptions
    /// Of a micro-batch.
    let sequences: [Int]
    /// Of all micro-batches, one after the other; a target is less than 0 where a row has no loss.
    let ids: [Int]
    let targets: [Int]
    /// What LoRA's inputs are multiplied by where some are dropped: by micro-batch and product, row-major.
    package var dropout: Dropout?

    /// What norms add to a row's mean square.
    package var epsilon = Double(ModelShape.epsilon)

    package typealias Dropout = (
      _ microBatch: Int, _ layer: Int, _ product: ModelShape.Product, _ count: Int
    ) -> [Double]

    /// - Parameters:
    ///   - sequences: lengths, of a micro-batch.
    ///   - ids: of all micro-batches, one after the other.
    ///   - targets: likewise.
    package init(
      shape: ModelShape, rotary: Rotary, adapter: AdapterOptions, sequences: [Int], ids: [Int],
      targets: [Int]
    ) {
      self.shape = shape
      self.rotary = rotary
      self.adapter = adapter
      self.sequences = sequences
      self.ids = ids
      self.targets = targets
    }
  }

  /// - Parameter weights: by the names that published files use; gradients are added to what they hold.
  package init(_ input: Input, weights: [String: ReferenceTape.Node]) {
    let rows = input.sequences.reduce(0, +)
    let factor = 1 / Double(max(1, input.targets.count { $0 >= 0 }))
    var loss = 0.0
    for first in stride(from: 0, to: input.ids.count, by: rows) {
      let tape = ReferenceTape()
      let pass = ReferencePass(
        tape: tape, input: input, weights: weights, microBatch: first / rows)
      let found = pass.loss(
        ids: Array(input.ids[first..<first + rows]),
        targets: Array(input.targets[first..<first + rows]), factor)
      tape.goBack(from: found)
      loss += found.values[0]
    }
    self.loss = loss
    gradients = weights.mapValues(\.gradient)
  }
}

/// One micro-batch forward.
private struct ReferencePass {
  let tape: ReferenceTape
  let input: TrainingReference.Input
  let weights: [String: ReferenceTape.Node]
  let microBatch: Int

  private var shape: ModelShape { input.shape }
  private var epsilon: Double { input.epsilon }
  /// A prefix takes the first positions.
  private var positions: [Int] {
    let first = weights["prefix.0.keys"]?.rows ?? 0
    return input.sequences.flatMap { Array(first..<first + $0) }
  }

  private func weight(_ name: String) -> ReferenceTape.Node {
    guard let node = weights[name] else { preconditionFailure("a model has \(name)") }
    return node
  }

  func loss(ids: [Int], targets: [Int], _ factor: Double) -> ReferenceTape.Node {
    var x = tape.gather(weight("model.embed_tokens.weight"), ids)
    for index in 0..<shape.layers { x = layer(index, x) }
    let normed = tape.norm(x, weight("model.norm.weight"), epsilon: epsilon)
    let head = weight(shape.isTied ? "model.embed_tokens.weight" : "lm_head.weight")
    return tape.crossEntropy(tape.product(normed, head), targets, by: factor)
  }

  private func layer(_ index: Int, _ x: ReferenceTape.Node) -> ReferenceTape.Node {
    func gain(_ name: String) -> ReferenceTape.Node {
      weight("model.layers.\(index).\(name).weight")
    }
    func rotated(_ node: ReferenceTape.Node) -> ReferenceTape.Node {
      tape.rotate(node, input.rotary, headDim: shape.headDim, positions: positions)
    }
    let normed = tape.norm(x, gain("input_layernorm"), epsilon: epsilon)
    let q = rotated(product(.q, index, normed))
    let k = rotated(scaled(product(.k, index, normed), .k, index))
    let v = scaled(product(.v, index, normed), .v, index)
    let o = tape.attention(
      q, k, v, prefix: prefix(index), heads: shape.heads, kvHeads: shape.kvHeads,
      headDim: shape.headDim, sequences: input.sequences)
    let middle = tape.add(x, beside(product(.out, index, o), "\(index).attention"))
    let network = tape.norm(middle, gain("post_attention_layernorm"), epsilon: epsilon)
    let gate = tape.silu(product(.gate, index, network))
    let active = scaled(tape.times(gate, product(.up, index, network)), .down, index)
    return tape.add(middle, beside(product(.down, index, active), "\(index).network"))
  }

  /// With LoRA beside it, where that is.
  private func product(_ product: ModelShape.Product, _ layer: Int, _ x: ReferenceTape.Node)
    -> ReferenceTape.Node
  {
    let y = tape.product(x, weight("model.layers.\(layer).\(product.module).weight"))
    let name = "base_model.model.model.layers.\(layer).\(product.module)"
    guard case .lora(let rank) = input.adapter.adapter,
      let a = weights["\(name).lora_A.weight"], let b = weights["\(name).lora_B.weight"]
    else { return y }
    var given = x
    if let dropout = input.dropout {
      let kept = dropout(microBatch, layer, product, x.values.count)
      given = tape.times(x, ReferenceTape.Node(rows: x.rows, columns: x.columns, kept))
    }
    let thin = tape.product(tape.product(given, a), b)
    return tape.add(y, tape.scale(thin, by: Double(input.adapter.alpha) / Double(rank)))
  }

  /// Times IA3's factors.
  private func scaled(
    _ x: ReferenceTape.Node, _ product: ModelShape.Product, _ layer: Int
  ) -> ReferenceTape.Node {
    guard
      let factor = weights["base_model.model.model.layers.\(layer).\(product.module).ia3_l"]
    else { return x }
    return tape.times(x, factor)
  }

  private func prefix(_ layer: Int) -> (ReferenceTape.Node, ReferenceTape.Node)? {
    guard let keys = weights["prefix.\(layer).keys"],
      let values = weights["prefix.\(layer).values"]
    else { return nil }
    return (keys, values)
  }

  /// With what a bottleneck adds.
  private func beside(_ z: ReferenceTape.Node, _ name: String) -> ReferenceTape.Node {
    guard let down = weights["bottleneck.\(name).down"], let up = weights["bottleneck.\(name).up"]
    else { return z }
    return tape.add(z, tape.product(tape.silu(tape.product(z, down)), up))
  }
}
