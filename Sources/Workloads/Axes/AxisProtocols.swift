package import Quantities

/// A word that an axis may take; its cases are the words a suite may write.
package protocol AxisWord: RawRepresentable<String>, CaseIterable, Codable, Sendable {}

extension ElementType: AxisWord {}

extension FloatFormat: AxisWord {}

/// Axes that several workloads have in common: a problem holds them together, and to a suite each is one
/// of the problem's own.
package protocol AxisGroup: Codable, Hashable, Sendable {}

extension [String: String] {
  /// Together with the defaults of groups.
  func with(_ groups: [String: String]...) -> [String: String] {
    groups.reduce(self) { $0.merging($1) { own, _ in own } }
  }
}

/// An axis of whole numbers that does not begin with 1.
package protocol AxisNumber: Codable, Hashable, Sendable {
  /// The smallest count that makes sense.
  static var least: Int { get }
  /// The axis's value.
  var count: Int { get }
  /// Takes a count from `least` up, which the reader of suites has checked.
  init(_ count: Int)
}

extension AxisNumber {
  package init(from decoder: any Decoder) throws {
    self.init(try decoder.singleValueContainer().decode(Int.self))
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(count)
  }
}

/// An axis whose values are words, or a name and a number as `window(256)`.
package protocol AxisText: Hashable, Sendable {
  /// Words that stand for themselves.
  static var words: [String] { get }
  /// Names that take a number from 1 up in parentheses.
  static var calls: [String] { get }
  /// Names that take an amount of memory in parentheses, as `200MiB`.
  static var sizes: [String] { get }
  /// Whether a number from 0 to less than 1 stands for itself.
  static var takesShares: Bool { get }
  /// Nil for a text that is no value of this axis.
  init?(axisText: String)
  /// The text that `init(axisText:)` reads as this value.
  var axisText: String { get }
}

extension AxisText {
  package static var sizes: [String] { [] }
  package static var takesShares: Bool { false }
}

/// Such a value as a problem holds it: a text in its JSON.
package struct AxisTextValue<Value: AxisText>: Codable, Hashable, Sendable {
  package let value: Value

  /// The value as suites would write it.
  package init(_ value: Value) { self.value = value }

  /// Reads the text.
  ///
  /// - Throws: `DecodingError` for a text that is no value of this axis.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let value = Value(axisText: text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "'\(text)' is no value of this axis")
    }
    self.value = value
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(value.axisText)
  }
}

/// What a list of axes needs of one.
package protocol AxisTextHolder {
  /// The words of its value's type.
  static var words: [String] { get }
  /// The calls of its value's type.
  static var calls: [String] { get }
  /// Those that take an amount of memory.
  static var sizes: [String] { get }
  static var takesShares: Bool { get }
  /// Its value, as suites write it.
  var axisText: String { get }
}

extension AxisTextValue: AxisTextHolder {
  package static var words: [String] { Value.words }
  package static var calls: [String] { Value.calls }
  package static var sizes: [String] { Value.sizes }
  package static var takesShares: Bool { Value.takesShares }
  package var axisText: String { value.axisText }
}
