import Kernels
package import Quantities

/// What of the forward pass is kept for the way back; the rest is computed again when it is needed.
package enum Checkpointing: Hashable, Sendable {
  case none
  /// Norms and SwiGLU's product are computed again: a pass over memory each.
  case pointwise
  /// Attention's weights are computed again; that saves only where they are kept in memory.
  ///
  /// - Source: Korthikanti et al., "Reducing Activation Recomputation in Large Transformer Models" (2022).
  case attention
  /// Only what the first so many layers are given is kept of them, and all of the others.
  case layers(Int)
  /// Only what each layer is given is kept.
  case block
  /// Only what each of so many equally long stretches of layers is given.
  ///
  /// - Source: Chen et al., "Training Deep Nets with Sublinear Memory Cost" (2016).
  case segments(Int)
  /// As much as fits: what is cheapest to compute again is dropped first, until the peak of a step is within so
  /// many bytes.
  case budget(Bytes)

  /// The same with as many segments as the root of the number of layers.
  package static func root(of layers: Int) -> Checkpointing {
    .segments(max(1, Int(Double(layers).squareRoot().rounded())))
  }

  /// Whether a value is kept from the way forward to the way back.
  func keeps(_ value: ValueFacts, layers: Int) -> Bool {
    guard let layer = value.layer else { return true }
    switch self {
    case .none: return true
    case .pointwise: return value.part != .pointwise
    case .attention: return value.part != .scores
    case .layers(let count): return layer >= count || value.part == .input
    case .block: return value.part == .input
    case .segments(let count):
      let starts = (0..<count).map { $0 * layers / count }
      return value.part == .input && starts.contains(layer)
    // Which values depends on the whole step: `CheckpointingPlan` says.
    case .budget: return true
    }
  }
}
