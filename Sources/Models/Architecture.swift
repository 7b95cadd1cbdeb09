/// A published model: its shape, and what it has beyond the transformer here.
package struct Architecture: Hashable, Sendable {
  /// As suites write it.
  package let name: String
  package let layers: Int
  package let hidden: Int
  /// Of the feed-forward network between its products.
  package let ffn: Int
  package let heads: Int
  package let kvHeads: Int
  package let headDim: Int
  package let vocab: Int
  /// Positions that it was published for, without scaling.
  package let context: Int
  /// Whether logits are products with the embedding itself.
  package let isTied: Bool
  /// Its feed-forward network, by the field's name for it.
  package let mlp: String
  package let beyond: [ModelPart]

  /// - Parameter row: of the table, in the order of these properties.
  init(row: Substring) {
    let cells = row.split(separator: " ").map(String.init)
    let numbers = cells.compactMap(Int.init)
    precondition(cells.count == 12 && numbers.count == 8, "a row of the table of models: \(row)")
    name = cells[0]
    (layers, hidden, ffn) = (numbers[0], numbers[1], numbers[2])
    (heads, kvHeads, headDim, vocab) = (numbers[3], numbers[4], numbers[5], numbers[6])
    context = numbers[7]
    isTied = cells[9] == "yes"
    mlp = cells[10]
    beyond = cells[11].split(separator: ",").compactMap { ModelPart(rawValue: String($0)) }
  }

  /// A plain GPT of a shape: learned positions, layer norms, biases, as many heads of keys as of queries.
  package init(
    name: String, layers: Int, hidden: Int, ffn: Int, heads: Int, vocab: Int, context: Int = 2048
  ) {
    self.name = name
    (self.layers, self.hidden, self.ffn, self.heads) = (layers, hidden, ffn, heads)
    (kvHeads, headDim, self.vocab, self.context) = (heads, hidden / heads, vocab, context)
    (isTied, mlp, beyond) = (true, "gelu", [.layerNorm, .positions, .biases])
  }

  /// Of a model of which only the count of weights is known: no layer of it can be told.
  package init(name: String, weights: Int) {
    self.name = name
    (layers, hidden, ffn, heads, kvHeads, headDim) = (1, 1, 0, 1, 1, 0)
    // Three are the norms' of such a shape.
    (vocab, context) = (weights - 3, 1)
    (isTied, mlp, beyond) = (true, "gelu", [])
  }

  /// What the transformer here computes of it; nil where its layers are other ones.
  package var shape: ModelShape? {
    guard refusal == nil, let mlp = FeedForward(rawValue: mlp) else { return nil }
    return ModelShape(
      layers: layers, hidden: hidden, ffn: ffn, heads: heads, kvHeads: kvHeads,
      headDim: headDim, vocab: vocab, isTied: isTied, mlp: mlp)
  }

  /// Why its layers cannot be computed here, if so.
  package var refusal: String? {
    var parts = beyond.filter(\.changesLayers).map(\.words)
    if FeedForward(rawValue: mlp) == nil { parts.insert("\(mlp) networks", at: 0) }
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }

  /// What is left out where its layers are computed here: small beside the products.
  package var omissions: [String] { beyond.filter { !$0.changesLayers }.map(\.words) }

  /// Whether whole layers of it can be run, or its memory only planned.
  package var isRunnable: Bool { refusal == nil }

  /// Numbers of a head's values, where they are fewer than its keys'.
  ///
  /// - Source: DeepSeek-AI, "DeepSeek-V2" (2024): `v_head_dim` is 128 beside keys of 192.
  package var valueDim: Int { has(.latent) ? 128 : headDim }

  package func has(_ part: ModelPart) -> Bool { beyond.contains(part) }

  /// Gated networks have a third matrix.
  package var isGated: Bool { mlp.hasSuffix("glu") }

  /// The one of that name, whether it is written in capitals or not.
  package static func named(_ name: String) -> Architecture? {
    let wanted = name.lowercased()
    return all.first { $0.name == wanted }
  }
}

/// A part of published models that the transformer here does not have.
package enum ModelPart: String, CaseIterable, Sendable {
  /// Of queries, keys and values.
  case qkvBias = "qkv-bias"
  /// Of all products.
  case biases
  /// Of the logits.
  case headBias = "head-bias"
  case qkNorm = "qk-norm"
  case layerNorm = "layer-norm"
  case positions
  case caps
  case postNorm = "post-norm"
  /// Attention and the network read the same rows, after one norm.
  case parallel
  /// Likewise, each after its own norm.
  case parallelNorms = "parallel-norms"
  /// Norms within attention and the network.
  case subNorms = "sub-norms"
  case encoder
  /// Keys and values by way of a few latent numbers.
  case latent
  case experts

  /// What it is called where a model is said to be without it.
  package var words: String {
    switch self {
    case .qkvBias, .biases: "biases"
    case .headBias: "a bias of the logits"
    case .qkNorm: "norms of queries and keys"
    case .layerNorm: "layer norms (root-mean-square norms stand for them)"
    case .positions: "learned positions (rotary ones stand for them)"
    case .caps: "soft caps on scores and logits"
    case .postNorm: "norms after each block"
    case .parallel, .parallelNorms: "attention beside the network"
    case .subNorms: "norms within attention and the network"
    case .encoder: "attention without a mask"
    case .latent: "latent attention"
    case .experts: "experts"
    }
  }

  /// Whether a layer with it is another one; else its cost is small beside the products.
  package var changesLayers: Bool {
    switch self {
    case .qkvBias, .biases, .headBias, .qkNorm, .layerNorm, .positions: false
    case .caps, .postNorm, .parallel, .parallelNorms, .subNorms, .encoder, .latent, .experts: true
    }
  }
}
