package import Kernels

/// Rotary embedding as axes of a problem.
package struct RotaryAxes: AxisGroup {
  package let rope: RotaryLayout
  package let ropeBase: Int
  package let ropeScaling: AxisTextValue<RotaryScaling>

  /// What is left out is as in `defaults`; without a layout nothing is rotated.
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

  package var rotary: Rotary { Rotary(rope, base: ropeBase, scaling: ropeScaling.value) }

  func validate(headDim: Int) throws {
    guard rope == .none || headDim.isMultiple(of: 2) else {
      throw ProblemFault(
        axis: "rope", what: "pairs are rotated, and head-dim is \(headDim)",
        fix: "use rope none, or an even head-dim")
    }
  }
}

extension RotaryLayout: AxisWord {}

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
