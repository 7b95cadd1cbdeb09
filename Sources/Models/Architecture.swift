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

  /// Weights, those of norms and biases apart.
  package var matrixWeights: Int {
    let attention = hidden * headDim * (2 * heads + 2 * kvHeads)
    // Gated networks have a third matrix.
    let network = hidden * ffn * (mlp.hasSuffix("glu") ? 3 : 2)
    return layers * (attention + network) + vocab * hidden * (isTied ? 1 : 2)
  }
}

/// A part of published models that the transformer here does not have.
package enum ModelPart: String, CaseIterable, Sendable {
  case bias
  case qkNorm = "qk-norm"
  case layerNorm = "layer-norm"
  case positions
  case caps
  case postNorm = "post-norm"

  /// What it is called where a model is said to be without it.
  package var words: String {
    switch self {
    case .bias: "biases"
    case .qkNorm: "norms of queries and keys"
    case .layerNorm: "layer norms (root-mean-square norms stand for them)"
    case .positions: "learned positions (rotary ones stand for them)"
    case .caps: "soft caps on scores and logits"
    case .postNorm: "norms after each block"
    }
  }

  /// Whether a layer with it is another one; else its cost is small beside the products.
  package var changesLayers: Bool { self == .caps || self == .postNorm }
}
