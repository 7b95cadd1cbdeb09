/// An amount of memory.
package struct Bytes: Hashable, Comparable, Codable, Sendable {
  package let count: Int

  package init(_ count: Int) { self.count = count }

  package static let zero = Bytes(0)
  package static func kibibytes(_ count: Int) -> Bytes { Bytes(count << 10) }
  package static func mebibytes(_ count: Int) -> Bytes { Bytes(count << 20) }
  package static func gibibytes(_ count: Int) -> Bytes { Bytes(count << 30) }

  package init(from decoder: any Decoder) throws {
    count = try decoder.singleValueContainer().decode(Int.self)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(count)
  }

  package static func < (left: Bytes, right: Bytes) -> Bool { left.count < right.count }
  package static func + (left: Bytes, right: Bytes) -> Bytes { Bytes(left.count + right.count) }
  package static func - (left: Bytes, right: Bytes) -> Bytes { Bytes(left.count - right.count) }
  package static func * (left: Bytes, right: Int) -> Bytes { Bytes(left.count * right) }
  package static func += (left: inout Bytes, right: Bytes) { left = left + right }
}

extension Bytes: LosslessStringConvertible {
  /// Reads `512`, `64KiB`, `8 GiB` or `1.5 GB`: binary prefixes are powers of 1024, decimal ones of 1000.
  package init?(_ text: String) {
    guard let (number, unit) = splitUnit(text) else { return nil }
    let scale: Double
    switch unit.lowercased() {
    case "", "b": scale = 1
    case "kib": scale = 1024
    case "mib": scale = 1_048_576
    case "gib": scale = 1_073_741_824
    case "tib": scale = 1_099_511_627_776
    case "kb": scale = 1e3
    case "mb": scale = 1e6
    case "gb": scale = 1e9
    case "tb": scale = 1e12
    default: return nil
    }
    let value = number * scale
    guard value >= 0, value < 9e18 else { return nil }
    self.init(Int(value.rounded()))
  }

  /// Three significant digits with a binary prefix: `1.25 GiB`.
  package var description: String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"]
    var value = Double(count)
    var index = 0
    while abs(value) >= 999.5, index < units.count - 1 {
      value /= 1024
      index += 1
    }
    return "\(index == 0 ? String(count) : significant(value)) \(units[index])"
  }
}
