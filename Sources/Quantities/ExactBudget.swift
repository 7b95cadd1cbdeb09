/// What is counted rather than timed, and may be given room to grow.
package enum ExactFigure: String, CaseIterable, Codable, CodingKeyRepresentable, Sendable {
  case flops, allocations
  /// Of each role, and of all together.
  case bytes
}

/// How much a count may grow.
package enum Growth: Hashable, Codable, Sendable {
  /// 0.01 is 1 %.
  case share(Double)
  case count(Int)

  /// Reads `1 %`, `64 KiB` or `3`.
  package init?(_ text: String) {
    if text.hasSuffix("%") {
      guard let value = Double(text.dropLast().filter { $0 != " " }), value >= 0, value.isFinite
      else { return nil }
      self = .share(value / 100)
    } else {
      guard let bytes = Bytes(text) else { return nil }
      self = .count(bytes.count)
    }
  }

  package func allows(from base: Int, to head: Int) -> Bool {
    switch self {
    case .share(let share): Double(head - base) <= share * Double(base)
    case .count(let count): head - base <= count
    }
  }
}

/// Room to grow for each figure; none for one that is left out.
package typealias ExactBudget = [ExactFigure: Growth]
