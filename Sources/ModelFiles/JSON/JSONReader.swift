/// Reads a JSON text (RFC 8259) value by value, as its caller expects them: in order and strictly. No tree is
/// made, so that a hostile text takes no more memory than what is kept of it.
struct JSONReader {
  private let bytes: [UInt8]
  private var place = 0
  private var depth = 0
  /// Values inside each other: each takes some of the stack.
  private static let deepest = 64
  /// Combining marks in a row. Swift puts them in order whenever it compares or hashes a string, in a time that
  /// grows with the square of their number: a name with all of them on one letter would take hours.
  ///
  /// - Source: the stream-safe text format of Unicode Standard Annex 15.
  private static let mostMarks = 30

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// An object, whose members' values `member` reads. Keys that Unicode holds for the same text are one.
  mutating func object(_ member: (inout JSONReader, String) throws -> Void) throws {
    try enter("{", "object")
    defer { depth -= 1 }
    if skips("}") { return }
    var keys: Set<String> = []
    repeat {
      skipBlanks()
      let start = place
      let key = try string()
      guard keys.insert(key).inserted else { throw JSONDefect(.duplicateKey(key), at: start) }
      try expect(":")
      try member(&self, key)
    } while skips(",")
    try expect("}")
  }

  /// A list, whose elements `element` reads.
  mutating func list(_ element: (inout JSONReader) throws -> Void) throws {
    try enter("[", "list")
    defer { depth -= 1 }
    if skips("]") { return }
    repeat { try element(&self) } while skips(",")
    try expect("]")
  }

  mutating func string() throws -> String {
    skipBlanks()
    guard place < bytes.count, bytes[place] == UInt8(ascii: "\"") else { throw missing("text") }
    let start = place + 1
    place = start
    try skipCharacters()
    if bytes[place] == UInt8(ascii: "\"") {
      place += 1
      return try text(bytes[start..<(place - 1)], at: start)
    }
    return try text(unescaped(from: start)[...], at: start)
  }

  /// A number that is written without sign, fraction and exponent.
  mutating func wholeNumber() throws -> Int {
    skipBlanks()
    let start = place
    if place < bytes.count, bytes[place] == UInt8(ascii: "-") {
      throw JSONDefect(.negative, at: start)
    }
    var value = 0
    while let digit = digit {
      let tens = value.multipliedReportingOverflow(by: 10)
      let sum = tens.partialValue.addingReportingOverflow(digit)
      guard !tens.overflow, !sum.overflow else { throw JSONDefect(.tooLarge, at: start) }
      value = sum.partialValue
      place += 1
    }
    guard place > start else { throw missing("whole number") }
    if place - start > 1, bytes[start] == UInt8(ascii: "0") {
      throw JSONDefect(.badNumber, at: start)
    }
    if place < bytes.count, ".eE".utf8.contains(bytes[place]) {
      throw JSONDefect(.notWhole, at: start)
    }
    return value
  }

  /// Any value, of which nothing is kept.
  mutating func skipValue() throws {
    skipBlanks()
    guard place < bytes.count else { throw JSONDefect(.cutOff, at: place) }
    switch bytes[place] {
    case UInt8(ascii: "{"): try object { reader, _ in try reader.skipValue() }
    case UInt8(ascii: "["): try list { try $0.skipValue() }
    case UInt8(ascii: "\""): _ = try string()
    case UInt8(ascii: "t"): try skipWord("true")
    case UInt8(ascii: "f"): try skipWord("false")
    case UInt8(ascii: "n"): try skipWord("null")
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try skipNumber()
    default: throw missing("value")
    }
  }

  /// Nothing but blanks may follow.
  mutating func end() throws {
    skipBlanks()
    guard place == bytes.count else { throw JSONDefect(.goesOn, at: place) }
  }

  private mutating func enter(_ bracket: Unicode.Scalar, _ noun: String) throws {
    guard skips(bracket) else { throw missing(noun) }
    depth += 1
    guard depth <= Self.deepest else {
      throw JSONDefect(.tooDeep(limit: Self.deepest), at: place)
    }
  }

  private mutating func expect(_ mark: Unicode.Scalar) throws {
    guard skips(mark) else { throw missing("'\(mark)'") }
  }

  /// Whether the mark comes next, which is then passed.
  private mutating func skips(_ mark: Unicode.Scalar) -> Bool {
    skipBlanks()
    guard place < bytes.count, bytes[place] == UInt8(ascii: mark) else { return false }
    place += 1
    return true
  }

  private mutating func skipBlanks() {
    while place < bytes.count {
      switch bytes[place] {
      case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): place += 1
      default: return
      }
    }
  }

  private func missing(_ wanted: String) -> JSONDefect {
    JSONDefect(place < bytes.count ? .expected(wanted) : .cutOff, at: place)
  }

  private var digit: Int? {
    guard place < bytes.count else { return nil }
    let digit = Int(bytes[place]) - 0x30
    return (0...9).contains(digit) ? digit : nil
  }

  private mutating func skipWord(_ word: StaticString) throws {
    let end = place + word.utf8CodeUnitCount
    guard end <= bytes.count else { throw JSONDefect(.cutOff, at: place) }
    let isSame = word.withUTF8Buffer { bytes[place..<end].elementsEqual($0) }
    guard isSame else { throw missing("value") }
    place = end
  }

  private mutating func skipNumber() throws {
    let start = place
    func isNext(_ marks: String) -> Bool {
      place < bytes.count && marks.utf8.contains(bytes[place])
    }
    func skipDigits() throws {
      guard digit != nil else { throw JSONDefect(.badNumber, at: start) }
      while digit != nil { place += 1 }
    }
    if isNext("-") { place += 1 }
    if isNext("0") { place += 1 } else { try skipDigits() }
    if digit != nil { throw JSONDefect(.badNumber, at: start) }
    if isNext(".") {
      place += 1
      try skipDigits()
    }
    if isNext("eE") {
      place += 1
      if isNext("+-") { place += 1 }
      try skipDigits()
    }
  }

  /// Up to a quotation mark or a backslash.
  private mutating func skipCharacters() throws {
    while place < bytes.count {
      switch bytes[place] {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): return
      case 0..<0x20: throw JSONDefect(.controlCharacter, at: place)
      default: place += 1
      }
    }
    throw JSONDefect(.cutOff, at: place)
  }

  private func text(_ bytes: ArraySlice<UInt8>, at start: Int) throws -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw JSONDefect(.notUTF8, at: start)
    }
    guard !bytes.allSatisfy({ $0 < 0x80 }) else { return text }
    var marks = 0
    for scalar in text.unicodeScalars {
      marks = scalar.properties.canonicalCombiningClass == .notReordered ? 0 : marks + 1
      guard marks <= Self.mostMarks else { throw JSONDefect(.tooManyMarks, at: start) }
    }
    return text
  }

  /// The bytes of a text with escapes; `place` is at the first of them.
  private mutating func unescaped(from start: Int) throws -> [UInt8] {
    var text = Array(bytes[start..<place])
    while bytes[place] == UInt8(ascii: "\\") {
      let scalar = try escape()
      text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
      let piece = place
      try skipCharacters()
      text.append(contentsOf: bytes[piece..<place])
    }
    place += 1
    return text
  }

  private mutating func escape() throws -> Unicode.Scalar {
    let start = place
    guard place + 1 < bytes.count else { throw JSONDefect(.cutOff, at: place) }
    let kind = bytes[place + 1]
    place += 2
    switch kind {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(kind)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): break
    default: throw JSONDefect(.badEscape, at: start)
    }
    var value = try codeUnit(start)
    if 0xD800..<0xDC00 ~= value, bytes[place...].starts(with: Self.hexadecimal) {
      place += 2
      let low = try codeUnit(start)
      // A low half that is none leaves what is no scalar.
      if 0xDC00..<0xE000 ~= low { value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00) }
    }
    guard let scalar = Unicode.Scalar(value) else { throw JSONDefect(.badEscape, at: start) }
    return scalar
  }

  private static let hexadecimal = Array("\\u".utf8)

  /// Four hexadecimal digits.
  private mutating func codeUnit(_ start: Int) throws -> UInt32 {
    guard place + 4 <= bytes.count else { throw JSONDefect(.cutOff, at: place) }
    var unit: UInt32 = 0
    for byte in bytes[place..<(place + 4)] {
      let digit: UInt8
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
      default: throw JSONDefect(.badEscape, at: start)
      }
      unit = unit << 4 | UInt32(digit)
    }
    place += 4
    return unit
  }
}
