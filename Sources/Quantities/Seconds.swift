/// A span of time.
package struct Seconds: Hashable, Comparable, Codable, Sendable {
  package let value: Double

  package init(_ value: Double) { self.value = value }

  package init(nanoseconds: Int) { value = Double(nanoseconds) / 1e9 }

  package init(from decoder: any Decoder) throws {
    value = try decoder.singleValueContainer().decode(Double.self)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(value)
  }

  package static func < (left: Seconds, right: Seconds) -> Bool { left.value < right.value }
}

extension Seconds: LosslessStringConvertible {
  /// Reads `5 s`, `100ms`, `20 us`, `20 µs`, `7ns`, `2 min` or a bare number of seconds.
  package init?(_ text: String) {
    guard let (number, unit) = splitUnit(text) else { return nil }
    let scale: Double
    switch unit {
    case "", "s": scale = 1
    case "ms": scale = 1e-3
    case "us", "µs", "μs": scale = 1e-6
    case "ns": scale = 1e-9
    case "min": scale = 60
    case "h": scale = 3600
    default: return nil
    }
    // Beyond a century it is a typing error, and clocks count no further.
    guard abs(number * scale) <= 100 * 366 * 86_400 else { return nil }
    self.init(number * scale)
  }

  /// Three significant digits with a unit: `1.23 ms`.
  package var description: String {
    let size = abs(value)
    if size >= 120 { return "\(significant(value / 60)) min" }
    if size >= 0.9995 { return "\(significant(value)) s" }
    if size >= 0.9995e-3 { return "\(significant(value * 1e3)) ms" }
    if size >= 0.9995e-6 { return "\(significant(value * 1e6)) µs" }
    if size == 0 { return "0 s" }
    return "\(significant(value * 1e9)) ns"
  }
}
