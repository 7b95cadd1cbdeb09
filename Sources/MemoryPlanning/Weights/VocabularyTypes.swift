import Models
import Quantities

/// What the embedding and the logits are stored in where a file says so apart from its other tensors.
package struct VocabularyTypes: Hashable, Sendable {
  package var embedding: GGMLType?
  package var logits: GGMLType?

  package init() {}

  var isEmpty: Bool { embedding == nil && logits == nil }

  /// What the two take more than a scheme has for them; less than 0 where they take less.
  func change(of model: Architecture, from scheme: WeightScheme) -> Int {
    let (rows, columns) = (model.vocab, model.hidden)
    func change(_ type: GGMLType?, _ tensor: GGUFMixture.Tensor) -> Int {
      guard let type else { return 0 }
      return type.fitting(columns: columns).bytes(rows: rows, columns: columns)
        - scheme.vocabularyBytes(of: model, tensor)
    }
    return change(embedding, .embedding) + (model.isTied ? 0 : change(logits, .output))
  }
}

extension WeightScheme {
  /// Bytes of the embedding, or of the logits.
  fileprivate func vocabularyBytes(of model: Architecture, _ tensor: GGUFMixture.Tensor) -> Int {
    let count = model.vocab * model.hidden
    switch self {
    case .plain(let format): return format.bytes(of: count).count
    case .gguf(let mixture):
      return mixture.type(of: tensor, layer: 0, in: model).bytes(
        rows: model.vocab, columns: model.hidden)
    case .grouped: return 2 * count
    case .nf4(_, let rest), .int8(let rest): return rest.bytes(of: count).count
    case .affine(let bits, let group): return (count * bits + count / max(1, group) * 32) / 8
    }
  }
}
