package import Models

/// A few weights that are trained in place of a model's own, which are frozen then.
package enum Adapter: Hashable, Sendable {
  case none
  /// y = x · wᵀ + alpha / rank · dropped(x) · aᵀ · bᵀ.
  ///
  /// - Source: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models" (2021).
  case lora(rank: Int)
  /// Keys and values of so many tokens before the first, in each layer. The keys are learned as they are, not
  /// rotated, and the first token's position comes after theirs.
  ///
  /// - Source: Li and Liang, "Prefix-Tuning" (2021), without the network that makes them.
  case prefix(tokens: Int)
  /// y + up · silu(down · y) after attention and after the network, so many numbers wide.
  ///
  /// - Source: Houlsby et al., "Parameter-Efficient Transfer Learning for NLP" (2019).
  case bottleneck(width: Int)
  /// Keys, values, and what the last product of the network is given, each times a learned factor.
  ///
  /// - Source: Liu et al., "Few-Shot Parameter-Efficient Fine-Tuning is Better and Cheaper than In-Context
  ///   Learning" (2022).
  case ia3

  package var isNone: Bool { self == .none }
}

/// How an adapter is set, besides its size.
package struct AdapterOptions: Hashable, Sendable {
  package var adapter = Adapter.none
  /// Products that LoRA goes beside.
  package var targets: Set<ModelShape.Product> = Set(ModelShape.Product.allCases)
  package var alpha: Float = 16
  /// The share of what LoRA is given that is dropped.
  package var dropout: Float = 0

  package init() {}

  /// What LoRA's product is multiplied by.
  var scale: Float {
    guard case .lora(let rank) = adapter else { return 1 }
    return alpha / Float(rank)
  }
}

/// Where an adapter's weights come from.
package protocol AdapterWeights: Sendable {
  /// Fills one of them, row-major.
  func fill(
    _ name: String, _ part: AdapterPart, rows: Int, columns: Int,
    into numbers: UnsafeMutablePointer<Float>)
}

/// What an adapter's weight is for: its usual size follows from it.
package enum AdapterPart: Sendable {
  /// Into the few numbers of LoRA or of a bottleneck.
  case down
  /// Out of them: 0 before training.
  case up
  /// Keys or values.
  case prefix
  /// A factor: 1 before training.
  case factor
}

extension ModelShape.Product {
  /// Its module in published files of Llama's kind.
  package var module: String {
    switch self {
    case .q: "self_attn.q_proj"
    case .k: "self_attn.k_proj"
    case .v: "self_attn.v_proj"
    case .out: "self_attn.o_proj"
    case .gate: "mlp.gate_proj"
    case .up: "mlp.up_proj"
    case .down: "mlp.down_proj"
    }
  }
}
