/// Where something stands that the user wrote.
package enum Place: Hashable, Sendable {
  case file(String, line: Int, column: Int)
  /// On the command line, in its own words: `-a m=0`.
  case option(String)

  package var isOption: Bool {
    if case .option = self { true } else { false }
  }
}

extension Place: CustomStringConvertible {
  /// `suites/decode.yaml:9:5`
  package var description: String {
    switch self {
    case .file(let path, let line, let column): "\(path):\(line):\(column)"
    case .option(let text): text
    }
  }
}

/// A value and where it was written.
package struct Located<Value: Hashable & Sendable>: Hashable, Sendable {
  package let value: Value
  package let place: Place

  package init(_ value: Value, _ place: Place) {
    self.value = value
    self.place = place
  }
}
