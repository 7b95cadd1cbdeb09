/// One of the two builds that a gate compares.
package enum Side: String, CaseIterable, Sendable {
  case base, head

  package var other: Side { self == .base ? .head : .base }
}

/// A value of each of two builds.
package struct Sides<Value> {
  package var base: Value
  package var head: Value

  package init(base: Value, head: Value) {
    self.base = base
    self.head = head
  }

  /// The values of one side and of the other.
  package init(_ first: Side, _ one: Value, _ two: Value) {
    self = first == .base ? Sides(base: one, head: two) : Sides(base: two, head: one)
  }

  package subscript(side: Side) -> Value {
    get { side == .base ? base : head }
    set {
      switch side {
      case .base: base = newValue
      case .head: head = newValue
      }
    }
  }

  package func map<Other>(_ transform: (Value) throws -> Other) rethrows -> Sides<Other> {
    Sides<Other>(base: try transform(base), head: try transform(head))
  }

  /// Base's, then head's.
  package var both: [Value] { [base, head] }
}

extension Sides: Sendable where Value: Sendable {}
extension Sides: Equatable where Value: Equatable {}
