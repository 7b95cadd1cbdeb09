/// A stretch of a program's life in which what lives differs from the others.
package enum PlanPhase: String, CaseIterable, Codable, CodingKeyRepresentable, Sendable {
  /// Weights are read, and what is made of them once.
  case load
  case forward
  /// Logits, the loss, and the gradients of the logits.
  case loss
  /// What was not kept is computed again.
  case recompute
  /// From the last layer to the first.
  case backward
  /// The gradient of the embedding, the last of all.
  case embedding
  /// The norm of all gradients.
  case clip
  case optimizer
  /// A prompt is taken through the layers.
  case prefill
  /// A token, with all that were before it in the cache.
  case decode

  package var label: String {
    switch self {
    case .embedding: "embedding backward"
    case .optimizer: "optimizer step"
    default: rawValue
    }
  }
}

extension PlanPhase {
  /// By its place and not by its name, which is what a raw value would be hashed by: accounts are kept by it.
  package func hash(into hasher: inout Hasher) {
    withUnsafeBytes(of: self) { hasher.combine(bytes: $0) }
  }
}
