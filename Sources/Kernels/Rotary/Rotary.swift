/// Which rotary position embedding queries and keys get, if any.
package struct Rotary: Hashable, Sendable {
  package let layout: RotaryLayout
  package let base: Int
  package let scaling: RotaryScaling

  /// Nothing is rotated.
  package static let none = Rotary(.none)

  /// - Parameter base: what the frequencies are powers of; 10,000 is RoFormer's.
  package init(_ layout: RotaryLayout, base: Int = 10_000, scaling: RotaryScaling = .none) {
    self.layout = layout
    self.base = base
    self.scaling = scaling
  }

  package var isNone: Bool { layout == .none }

  /// By how much each pair of a head of this length is rotated.
  package func angles(headDim: Int) -> RotaryAngles {
    RotaryAngles(headDim: headDim, base: base, scaling: scaling)
  }
}

/// Which numbers of a head are a pair.
///
/// - Source: Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding" (2021).
package enum RotaryLayout: String, CaseIterable, Codable, Sendable {
  case none
  /// Neighbours, as in the paper and in GGUF's files of Llama.
  case llama
  /// One from each half, as in GPT-NeoX and in most configurations of today.
  case neox
}

/// How angles are made smaller, so that a model sees further than it was trained to.
package enum RotaryScaling: Hashable, Sendable {
  case none
  /// Positions are divided by it.
  ///
  /// - Source: Chen et al., "Extending Context Window of Large Language Models via Positional
  ///   Interpolation" (2023).
  case linear(Int)
  /// The base grows, so that the slowest pair rotates as if positions were divided by it.
  ///
  /// - Source: bloc97, "NTK-Aware Scaled RoPE" (2023).
  case ntk(Int)
  /// Pairs that rotate often are left, those that do not rotate once are divided, and in between both.
  ///
  /// - Source: Peng et al., "YaRN: Efficient Context Window Extension of Large Language Models"
  ///   (2023), with α = 1, β = 32 and 4096 positions to begin with.
  case yarn(Int)
  /// Likewise, by wavelength, with 8192 positions to begin with.
  ///
  /// - Source: Llama 3.1's configuration: `low_freq_factor` 1, `high_freq_factor` 4.
  case llama3(Int)
}
