import Quantities

/// What is wrong with a JSON text, and at which of its bytes.
package struct JSONDefect: Error, Hashable {
  package let reason: Reason
  /// Counted from 0.
  package let place: Int

  package enum Reason: Hashable, Sendable {
    /// `a text`, `','`.
    case expected(String)
    case cutOff
    /// Something other than blanks after the value's end.
    case goesOn
    case tooDeep(limit: Int)
    case duplicateKey(String)
    case notUTF8
    /// A control character within a text, which must be written as an escape.
    case controlCharacter
    /// A backslash that begins none of JSON's escapes, or half of a surrogate pair.
    case badEscape
    /// More marks on one letter than `JSONReader.mostMarks`.
    case tooManyMarks
    case badNumber
    case negative
    case notWhole
    /// It does not fit 64 bits.
    case tooLarge
  }

  init(_ reason: Reason, at place: Int) {
    self.reason = reason
    self.place = place
  }

  /// The end of a sentence that begins with the text's name: `has …`.
  package var words: String {
    switch reason {
    case .expected(let wanted): "has no \(wanted) at byte \(place), where one must be"
    case .cutOff: "ends in the middle of a value"
    case .goesOn: "goes on after its end, at byte \(place)"
    case .tooDeep(let limit): "has values more than \(limit) deep"
    case .duplicateKey(let key): "has the key \(quoted(key)) twice in one object"
    case .notUTF8: "has a text at byte \(place) that is no UTF-8"
    case .controlCharacter: "has a bare control character at byte \(place)"
    case .badEscape: "has an escape at byte \(place) that stands for no character"
    case .tooManyMarks: "has a text at byte \(place) with endless marks on a letter"
    case .badNumber: "has a number at byte \(place) that is not written as JSON's are"
    case .negative: "has a negative number at byte \(place), where none can be"
    case .notWhole: "has a number at byte \(place) that is not written as a whole one"
    case .tooLarge: "has a number at byte \(place) that is too large"
    }
  }
}

/// A name out of a file, in quotation marks, and not the whole of one that fills the screen.
func quoted(_ name: String) -> String {
  let start = String(name.unicodeScalars.prefix(80))
  return start.utf8.count == name.utf8.count ? "'\(name)'" : "'\(start)…'"
}
