import Records
import RealModule
import Statistics

/// One block of a case: both builds' times, from turns that a coin put in order.
package struct PairedBlock: Hashable, Codable, Sendable {
  /// Seconds a call, a number a turn.
  package let base: [Double]
  package let head: [Double]
  /// Whether turn i of base was next to turn i of head.
  package let alternating: Bool?

  package init(base: [Double], head: [Double], alternating: Bool? = nil) {
    self.base = base
    self.head = head
    self.alternating = alternating
  }

  /// By how much the logarithm of head's time exceeds that of base's: the median over neighbouring turns,
  /// which a neighbour on the machine slows alike; else the difference of means. If the builds are the
  /// same, a toss of the coin flips its sign: that alone makes it positive half of the time, whatever
  /// drifts or repeats itself.
  package var difference: Double {
    guard alternating == true, base.count == head.count, !base.isEmpty else {
      return Self.mean(head) - Self.mean(base)
    }
    return Sample(finite: zip(base, head).map { .log($1) - Double.log($0) }).median
  }

  private static func mean(_ seconds: [Double]) -> Double {
    seconds.reduce(0) { $0 + .log($1) } / Double(seconds.count)
  }

  /// What is wrong with its numbers, if anything is.
  var defect: String? {
    for (side, seconds) in [("base", base), ("head", head)] {
      if seconds.isEmpty { return "\(side) has no times" }
      if let bad = seconds.first(where: { !isTime($0) }) {
        return "\(side) has the time \(bad)"
      }
    }
    return nil
  }
}
