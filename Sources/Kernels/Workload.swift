package import Quantities

/// A kernel that can be swept: its problems, its operands, the ways of computing it.
///
/// A new kernel is one type that conforms, and one line in the catalog.
package protocol Workload: SendableMetatype {
  /// What pins one problem down. Each stored property is an axis that a suite may sweep:
  /// an `Int`, or an `AxisWord`; of an `AxisGroup` each is. `kvHeads` is written `kv-heads` in suites.
  associatedtype Problem: Codable & Sendable
  associatedtype Operands: OperandSet

  static var name: String { get }
  /// One sentence for `headroom list`.
  static var about: String { get }
  /// The smallest problem that takes every path: it names the axes and feeds the conformance tests.
  static var smallest: Problem { get }
  /// Values of the axes that may be left out, by their name in suites. Shape axes have none.
  static var defaults: [String: String] { get }
  /// The ways of computing it; the first is the reference that the others must agree with.
  static var variants: [Variant<Self>] { get }

  /// Throws a `ProblemFault` for values that fit their types and still make no problem.
  static func validate(_ problem: Problem) throws
  /// No fewer than the operations of a call, and with room to spare than the bytes that it works on: what
  /// 64 bits cannot count is turned down by it, so that other formulas need not look.
  static func magnitude(of problem: Problem) -> Double
  static func work(of problem: Problem) -> Work
  static func operands(for problem: Problem, seed: UInt64, in ledger: MemoryLedger) throws
    -> Operands
  /// What the sampled results should be, in fp64, and the magnitudes that errors are relative to.
  static func expectation(
    of problem: Problem, _ operands: Operands, at sample: OutputSample
  ) -> Expectation
  /// What preparing and running allocate, by role and phase. Predictions are made of it;
  /// the ledger must agree to the byte.
  static func memory(of problem: Problem, variant: Variant<Self>, threads: Int) -> MemoryPlan
  /// How far a variant may stray from the reference, derived from the arithmetic.
  static func tolerance(of problem: Problem) -> Tolerance
  /// A smaller problem to check in a problem's place where that is too large for fp64, and what is
  /// smaller; nil where it is checked itself.
  static func reduced(_ problem: Problem) -> (problem: Problem, label: String)?
}

extension Workload {
  package static var defaults: [String: String] { [:] }
  package static func validate(_ problem: Problem) throws {}
  package static func reduced(_ problem: Problem) -> (problem: Problem, label: String)? { nil }
}

/// The product of axes, however large.
func product(_ factors: Int...) -> Double { factors.reduce(1) { $0 * Double($1) } }

/// A word that an axis may take; its cases are the words a suite may write.
package protocol AxisWord: RawRepresentable<String>, CaseIterable, Codable, Sendable {}

extension ElementType: AxisWord {}

extension FloatFormat: AxisWord {}

/// A problem that cannot be: which axis, why, and how to mend it.
package struct ProblemFault: Error, Hashable {
  package let axis: String
  package let what: String
  package let mend: String

  package init(axis: String, what: String, fix mend: String) {
    self.axis = axis
    self.what = what
    self.mend = mend
  }
}

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
  static var least: Int { get }
  var count: Int { get }
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
  static var words: [String] { get }
  /// Names that take a number from 1 up in parentheses.
  static var calls: [String] { get }
  init?(axisText: String)
  var axisText: String { get }
}

/// Such a value as a problem holds it: a text in its JSON.
package struct AxisTextValue<Value: AxisText>: Codable, Hashable, Sendable {
  package let value: Value

  package init(_ value: Value) { self.value = value }

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
  static var words: [String] { get }
  static var calls: [String] { get }
}

extension AxisTextValue: AxisTextHolder {
  package static var words: [String] { Value.words }
  package static var calls: [String] { Value.calls }
}
