/// How a cache's memory is cut.
package enum CachePaging: Hashable, Sendable {
  /// As long as a sequence may become, for each.
  case contiguous
  /// Pages of so many tokens, taken as sequences grow.
  case pages(Int)

  /// What a page may be.
  package static let sizes = 16...256
}

extension CachePaging: AxisText {
  package static let words = ["contiguous"]
  package static let calls = ["pages"]

  package init?(axisText text: String) {
    guard text != "contiguous" else {
      self = .contiguous
      return
    }
    guard text.hasPrefix("pages("), text.hasSuffix(")"),
      let tokens = Int(text.dropFirst("pages(".count).dropLast()), tokens >= 1
    else { return nil }
    self = .pages(tokens)
  }

  package var axisText: String {
    switch self {
    case .contiguous: "contiguous"
    case .pages(let tokens): "pages(\(tokens))"
    }
  }
}
