import RealModule

/// One block of a case: both builds' times, from turns that a coin put in order.
package struct PairedBlock: Hashable, Codable, Sendable {
  /// Seconds a call, a number a turn.
  package let base: [Double]
  package let head: [Double]

  package init(base: [Double], head: [Double]) {
    self.base = base
    self.head = head
  }

  /// Mean ln head − mean ln base. If the builds are the same, a toss of the coin flips its sign:
  /// that alone makes it positive half of the time, whatever drifts or repeats itself.
  package var difference: Double { Self.mean(head) - Self.mean(base) }

  private static func mean(_ seconds: [Double]) -> Double {
    seconds.reduce(0) { $0 + .log($1) } / Double(seconds.count)
  }

  /// What is wrong with its numbers, if anything is.
  var defect: String? {
    for (side, seconds) in [("base", base), ("head", head)] {
      if seconds.isEmpty { return "\(side) has no times" }
      if let bad = seconds.first(where: { !($0 > 0 && $0.isFinite) }) {
        return "\(side) has the time \(bad)"
      }
    }
    return nil
  }
}
