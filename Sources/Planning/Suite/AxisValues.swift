/// The values that one axis is given, ranges not yet expanded.
package struct AxisValues: Hashable, Sendable {
  package enum Item: Hashable, Sendable {
    /// A number or a word, as written: the axis says which.
    case text(String)
    case range(AxisRange)
  }

  package let items: [Located<Item>]
  package let place: Place

  package init(items: [Located<Item>], place: Place) {
    self.items = items
    self.place = place
  }

  /// Reads `1,2,4`, `1-64*2` or `0-4096+512`.
  init(_ text: String, axis: String, at place: Place) throws {
    let items = try text.split(separator: ",", omittingEmptySubsequences: false).map { piece in
      let word = piece.trimmed
      guard !word.isEmpty else { throw SuiteFault.noValue(axis: axis, place) }
      let range = try AxisRange(word, axis: axis, at: place)
      return Located(range.map(Item.range) ?? .text(word), place)
    }
    self.init(items: items, place: place)
  }

  /// How many values there are, without making them; as good as infinite where it overflows.
  var count: Int {
    items.reduce(0) { sum, item in
      guard case .range(let range) = item.value else { return sum.addingOrMax(1) }
      return sum.addingOrMax(range.count)
    }
  }
}

extension AxisAssignment {
  /// Reads `m=1,8` as `-a` takes it.
  init(option text: String) throws {
    let place = Place.option("-a \(text)")
    guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
      throw SuiteFault.notAnAssignment(text)
    }
    let name = text[..<equals].trimmed
    self.init(
      name: Located(name, place),
      values: try AxisValues(String(text[text.index(after: equals)...]), axis: name, at: place))
  }
}

extension StringProtocol {
  /// Without the blanks at both ends.
  var trimmed: String {
    var rest = self[...]
    while rest.first?.isWhitespace == true { rest.removeFirst() }
    while rest.last?.isWhitespace == true { rest.removeLast() }
    return String(rest)
  }
}

extension Int {
  func addingOrMax(_ other: Int) -> Int {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }

  func multipliedOrMax(by other: Int) -> Int {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    return overflow ? .max : product
  }
}
