/// The shape of a published model.
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
  /// Whether logits are products with the embedding itself.
  package let isTied: Bool
  package let mlp: String

  /// - Parameter row: of the table, in the order of these properties.
  init(row: Substring) {
    let cells = row.split(separator: " ").map(String.init)
    let numbers = cells.compactMap(Int.init)
    precondition(cells.count == 10 && numbers.count == 7, "a row of the table of models: \(row)")
    name = cells[0]
    (layers, hidden, ffn) = (numbers[0], numbers[1], numbers[2])
    (heads, kvHeads, headDim, vocab) = (numbers[3], numbers[4], numbers[5], numbers[6])
    isTied = cells[8] == "yes"
    mlp = cells[9]
  }

  /// The axes that a model's name gives a value.
  static let axes: Set = [
    "layers", "hidden", "ffn", "heads", "kv-heads", "head-dim", "vocab", "tied", "mlp",
  ]

  var shape: [String: String] {
    [
      "layers": "\(layers)", "hidden": "\(hidden)", "ffn": "\(ffn)", "heads": "\(heads)",
      "kv-heads": "\(kvHeads)", "head-dim": "\(headDim)", "vocab": "\(vocab)",
      "tied": isTied ? "yes" : "no", "mlp": mlp,
    ]
  }

  /// Weights, those of norms and biases apart.
  package var matrixWeights: Int {
    let attention = hidden * headDim * (2 * heads + 2 * kvHeads)
    let network = hidden * ffn * (mlp == "swiglu" ? 3 : 2)
    return layers * (attention + network) + vocab * hidden * (isTied ? 1 : 2)
  }

  static func find(_ name: Located<String>) throws -> Architecture {
    guard let found = all.first(where: { $0.name == name.value }) else {
      throw SuiteFault.unknownWord(
        name.value, axis: AxisAlias.model, known: all.map(\.name), name.place)
    }
    return found
  }
}
