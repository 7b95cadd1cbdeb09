package import Kernels

extension AttentionMask: AxisText {
  package static let words = ["causal", "full", "blocks"]
  package static let calls = ["window"]

  package init?(axisText text: String) {
    switch text {
    case "causal": self = .causal
    case "full": self = .full
    case "blocks": self = .blocks
    default:
      guard text.hasPrefix("window("), text.hasSuffix(")"),
        let width = Int(text.dropFirst("window(".count).dropLast()), width >= 1
      else { return nil }
      self = .window(width)
    }
  }

  package var axisText: String {
    switch self {
    case .causal: "causal"
    case .full: "full"
    case .blocks: "blocks"
    case .window(let width): "window(\(width))"
    }
  }
}
