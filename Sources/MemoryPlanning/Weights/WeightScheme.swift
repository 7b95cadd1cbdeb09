package import Models
package import Quantities

/// How all of a model's weights are stored.
package enum WeightScheme: Hashable, Sendable {
  /// All alike.
  case plain(FloatFormat)
  case gguf(GGUFMixture)
  /// Products of layers in whole numbers with scales of groups; embedding, logits and norms in 16 bits.
  ///
  /// - Source: Frantar et al., "GPTQ" (2022); AutoGPTQ's and AutoAWQ's packing: a scale in 16 bits and a zero as wide
  ///   as a weight for each group.
  case grouped(bits: Int, group: Int, hasOrder: Bool)
  /// As bitsandbytes has it: what is not a product of a layer is in a plain type.
  ///
  /// - Source: Dettmers et al., "QLoRA" (2023), section 3.
  case nf4(doubleQuantized: Bool, rest: FloatFormat)
  /// A byte a weight, and a scale in fp32 for each row.
  ///
  /// - Source: Dettmers et al., "LLM.int8()" (2022).
  case int8(rest: FloatFormat)
  /// MLX's: a scale and a bias in 16 bits for each group, of the embedding, too.
  case affine(bits: Int, group: Int)

  /// As it is called.
  package var words: String {
    switch self {
    case .plain(let format): format.rawValue
    case .gguf(let mixture): mixture.name
    case .grouped(let bits, let group, _): "\(bits) bits in groups of \(group)"
    case .nf4(let doubled, _): doubled ? "nf4 with double quantization" : "nf4"
    case .int8: "int8"
    case .affine(let bits, let group): "\(bits) bits in groups of \(group)"
    }
  }

  /// Bytes of all tensors of a model.
  package func bytes(of model: Architecture) -> Int {
    let small = model.smallWeights
    let outside = model.vocab * model.hidden * (model.isTied ? 1 : 2)
    let products = model.layers * model.products.reduce(0) { $0 + model.matrix($1).count }
    switch self {
    case .plain(let format): return format.bytes(of: 1).count * model.weights
    case .gguf(let mixture): return mixture.bytes(of: model)
    case .grouped(let bits, let group, let hasOrder):
      let groups = products / max(1, group)
      let order =
        hasOrder ? 4 * model.layers * model.products.reduce(0) { $0 + model.matrix($1).k } : 0
      return (products * bits + groups * (16 + bits)) / 8 + 2 * (outside + small) + order
    case .nf4(let doubleQuantized, let rest):
      return TorchOptions.Base.nf4(doubleQuantized: doubleQuantized).bytes(of: products) { $0 }
        + rest.bytes(of: outside + small).count
    case .int8(let rest):
      let scales = 4 * model.layers * model.products.reduce(0) { $0 + model.matrix($1).n }
      return products + scales + rest.bytes(of: outside + small).count
    case .affine(let bits, let group):
      let count = products + outside
      return (count * bits + count / max(1, group) * 32) / 8 + 2 * small
    }
  }
}

extension GGUFMixture {
  /// Bytes of all tensors: norms and biases are in fp32.
  package func bytes(of model: Architecture) -> Int {
    var sum = 4 * (model.smallWeights - (model.has(.positions) ? model.context * model.hidden : 0))
    if model.has(.positions) { sum += 4 * model.context * model.hidden }
    let vocabulary = ModelShape.Matrix(n: model.vocab, k: model.hidden)
    func add(_ tensor: Tensor, _ layer: Int, _ size: ModelShape.Matrix) {
      sum += type(of: tensor, layer: layer, in: model).bytes(rows: size.n, columns: size.k)
    }
    add(.embedding, 0, vocabulary)
    if !model.isTied { add(.output, 0, vocabulary) }
    for layer in 0..<model.layers {
      for product in model.products { add(.product(product), layer, model.matrix(product)) }
    }
    return sum
  }
}
