/// Rotary embedding as axes of a problem.
package struct RotaryAxes: AxisGroup {
  package let rope: RotaryLayout
  package let ropeBase: Int
  package let ropeScaling: AxisTextValue<RotaryScaling>

  package init(
    _ rope: RotaryLayout = .none, base: Int = 10_000, scaling: RotaryScaling = .none
  ) {
    self.rope = rope
    ropeBase = base
    ropeScaling = AxisTextValue(scaling)
  }

  /// Their values where they are left out.
  static func defaults(_ rope: RotaryLayout) -> [String: String] {
    ["rope": rope.rawValue, "rope-base": "10000", "rope-scaling": "none"]
  }

  var isNone: Bool { rope == .none }

  func angles(headDim: Int) -> RotaryAngles {
    RotaryAngles(headDim: headDim, base: ropeBase, scaling: ropeScaling.value)
  }

  func validate(headDim: Int) throws {
    guard isNone || headDim.isMultiple(of: 2) else {
      throw ProblemFault(
        axis: "rope", what: "pairs are turned, and head-dim is \(headDim)",
        fix: "use rope none, or an even head-dim")
    }
  }
}

/// How a position turns a query or a key: which numbers of it are a pair.
///
/// - Source: Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding" (2021).
package enum RotaryLayout: String, AxisWord {
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
  /// The base grows, so that the slowest pair turns as if positions were divided by it.
  ///
  /// - Source: bloc97, "NTK-Aware Scaled RoPE" (2023).
  case ntk(Int)
  /// Pairs that turn often are left, those that do not turn once are divided, and in between both.
  ///
  /// - Source: Peng et al., "YaRN: Efficient Context Window Extension of Large Language Models"
  ///   (2023), with α = 1, β = 32 and 4096 positions to begin with.
  case yarn(Int)
  /// Likewise, by wavelength, with 8192 positions to begin with.
  ///
  /// - Source: Llama 3.1's configuration: `low_freq_factor` 1, `high_freq_factor` 4.
  case llama3(Int)
}

extension RotaryScaling: AxisText {
  package static let words = ["none"]
  package static let calls = ["linear", "ntk", "yarn", "llama3"]

  package init?(axisText text: String) {
    guard text != "none" else {
      self = .none
      return
    }
    guard let open = text.firstIndex(of: "("), text.hasSuffix(")"),
      let factor = Int(text[text.index(after: open)...].dropLast()), factor >= 1
    else { return nil }
    switch text[..<open] {
    case "linear": self = .linear(factor)
    case "ntk": self = .ntk(factor)
    case "yarn": self = .yarn(factor)
    case "llama3": self = .llama3(factor)
    default: return nil
    }
  }

  package var axisText: String {
    switch self {
    case .none: "none"
    case .linear(let factor): "linear(\(factor))"
    case .ntk(let factor): "ntk(\(factor))"
    case .yarn(let factor): "yarn(\(factor))"
    case .llama3(let factor): "llama3(\(factor))"
    }
  }
}
