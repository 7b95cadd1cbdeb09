package import Quantities

/// One figure or word of a table: its kind says how it is written, its number how it is sorted.
package enum Cell: Sendable, Hashable {
  /// It could not be had.
  case absent
  case words(String)
  case count(Int)
  case seconds(Seconds)
  case bytes(Bytes)
  case operations(Int)
  /// Half of an interval, relative to its middle; nil where there is none.
  case halfWidth(Double?)
  /// In thousand millions a second.
  case billions(Double)
  case billionsOf(Double, unit: String)
  case perSecond(Double, unit: String)
  case number(Double)
  /// A share of what binds: `50 % fma`.
  case share(Double, of: String)
  case percent(Double, digits: Int)
  /// `+3.2 %`
  case change(Double)
  /// `-0.4 % … +1.2 %`
  case interval(Double, Double)
  /// Of its tolerance.
  case ofTolerance(Double)

  /// Where a figure could not be had.
  static let missing = "–"

  package var text: String {
    switch self {
    case .absent: Self.missing
    case .words(let text): text
    case .count(let count): "\(count)"
    case .seconds(let seconds): seconds.description
    case .bytes(let bytes): bytes.description
    case .operations(let count): Self.operations(count)
    case .halfWidth(let share): share.map(Self.halfWidth) ?? "±?"
    case .billions(let rate): Self.billions(rate)
    case .billionsOf(let rate, let unit): "\(Self.billions(rate)) \(unit)"
    case .perSecond(let rate, let unit): "\(significant(rate)) \(unit)"
    case .number(let number): significant(number)
    case .share(let share, let binding): "\(fixed(share * 100, 0)) % \(binding)"
    case .percent(let share, let digits): "\(fixed(share * 100, digits)) %"
    case .change(let share): Self.signed(share)
    case .interval(let low, let high): "\(Self.signed(low)) … \(Self.signed(high))"
    case .ofTolerance(let multiple): Self.multiple(multiple)
    }
  }

  /// Aligned within its column: a share and what binds it apart.
  func aligned(_ alignment: Table.Column.Alignment, _ width: Int) -> String {
    if case .share(let share, let binding) = self {
      return (fixed(share * 100, 0).right(3) + " % " + binding).left(width)
    }
    return alignment == .right ? text.right(width) : text.left(width)
  }

  /// What it is sorted by.
  package var number: Double? {
    switch self {
    case .absent, .words: nil
    case .count(let count): Double(count)
    case .seconds(let seconds): seconds.value
    case .bytes(let bytes): Double(bytes.count)
    case .operations(let count): Double(count)
    case .halfWidth(let share): share
    case .billions(let value), .billionsOf(let value, _), .perSecond(let value, _),
      .number(let value), .share(let value, _), .percent(let value, _), .change(let value),
      .interval(let value, _), .ofTolerance(let value):
      value
    }
  }

  /// `+3.2 %`, `-0.4 %`
  package static func signed(_ share: Double) -> String {
    let text = fixed(share * 100, 1)
    return "\(text.hasPrefix("-") ? "" : "+")\(text) %"
  }

  /// Rounded up, so that an interval is never told narrower than it is.
  private static func halfWidth(_ share: Double) -> String {
    let tenths = (share * 1000 - 1e-9).rounded(.up)
    if tenths < 100 { return "±\(fixed(tenths / 10, 1)) %" }
    return share < 9.99 ? "±\(fixed((share * 100).rounded(.up), 0)) %" : "±999+%"
  }

  private static func operations(_ count: Int) -> String {
    let (unit, size) =
      count >= 1_000_000_000_000
      ? ("TFLOP", 1e12) : count >= 1_000_000_000 ? ("GFLOP", 1e9) : ("MFLOP", 1e6)
    return "\(significant(Double(count) / size)) \(unit)"
  }

  private static func billions(_ rate: Double) -> String {
    let billions = rate / 1e9
    return billions > 0 && billions < 0.01 ? "<0.01" : significant(billions)
  }

  private static func multiple(_ multiple: Double) -> String {
    if multiple > 0, multiple < 0.01 { return "<0.01" }
    return multiple < 1000 ? fixed(multiple, 2) : scientific(multiple)
  }
}
