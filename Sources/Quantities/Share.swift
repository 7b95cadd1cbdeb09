/// A part of a whole, as `3%` says it: more than none, less than all.
package struct Share: Hashable, Sendable {
  package let value: Double

  package init?(_ text: String) {
    guard text.hasSuffix("%") else { return nil }
    var number = text.dropLast()
    while number.last == " " { number = number.dropLast() }
    while number.first == " " { number = number.dropFirst() }
    guard let percent = Double(number), percent > 0, percent < 100 else { return nil }
    value = percent / 100
  }
}
