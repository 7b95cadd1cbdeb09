/// Work per second, printed with a decimal prefix: `286 GFLOP/s`, `43.5 GB/s`.
package struct Rate: Hashable, Comparable, Sendable {
  package let perSecond: Double
  package let unit: Unit

  package enum Unit: String, Sendable {
    case flops = "FLOP/s"
    case bytes = "B/s"
    case tokens = "tok/s"
  }

  package init(_ perSecond: Double, _ unit: Unit) {
    self.perSecond = perSecond
    self.unit = unit
  }

  package static func < (left: Rate, right: Rate) -> Bool { left.perSecond < right.perSecond }
}

extension Rate: CustomStringConvertible {
  package var description: String {
    let (number, prefix) = scaled
    return "\(number) \(prefix)\(unit.rawValue)"
  }

  /// The number in billions with three significant digits, for a column whose head names the unit.
  package var billions: String { significant(perSecond / 1e9) }

  private var scaled: (String, String) {
    let size = abs(perSecond)
    if size >= 0.9995e12 { return (significant(perSecond / 1e12), "T") }
    if size >= 0.9995e9 { return (significant(perSecond / 1e9), "G") }
    if size >= 0.9995e6 { return (significant(perSecond / 1e6), "M") }
    if size >= 0.9995e3 { return (significant(perSecond / 1e3), "k") }
    return (significant(perSecond), "")
  }
}
