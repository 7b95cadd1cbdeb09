/// What a tensor is for: the rows of every memory account.
package enum MemoryRole: String, CaseIterable, Codable, CodingKeyRepresentable, Sendable {
  case weights
  case gradients
  case optimizer
  case activations
  case kvCache
  case workspace
  case adapters
  /// Copies that only the harness makes, so that a cold case finds nothing in a cache.
  ///
  /// Reported apart: outside peak, prediction and limit.
  case rotation

  /// As printed in tables.
  package var label: String { self == .kvCache ? "KV cache" : rawValue }
}

/// A stretch of a case's life, each with a peak of its own.
package enum MemoryPhase: String, CaseIterable, Codable, CodingKeyRepresentable, Sendable {
  /// Inputs, weights and outputs are allocated and filled.
  case operands
  /// The variant makes what it needs ahead of time, and its result is checked.
  case preparation
  /// The timed calls.
  case run
  // Of a training step, within its call:
  /// From the tokens to the last norm, keeping what the way back needs.
  case forward
  /// Logits, the loss, and their gradients.
  case loss
  /// What was not kept is computed again.
  case recompute
  /// Gradients of a layer after the other, from the last to the first.
  case backward
  /// The norm of all gradients.
  case clip
  /// The optimizer goes through all parameters.
  case update
}

extension MemoryRole {
  /// By its place and not by its name, which is what a raw value would be hashed by: accounts are kept by it.
  package func hash(into hasher: inout Hasher) {
    withUnsafeBytes(of: self) { hasher.combine(bytes: $0) }
  }
}

extension MemoryPhase {
  /// By its place and not by its name, which is what a raw value would be hashed by: accounts are kept by it.
  package func hash(into hasher: inout Hasher) {
    withUnsafeBytes(of: self) { hasher.combine(bytes: $0) }
  }
}
