import Foundation

/// Goes through one line, byte by byte; blanks before what is looked for are passed over.
struct ByteScanner {
  private var bytes: ArraySlice<UInt8>

  init(_ line: Data) { bytes = Array(line)[...] }

  static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
  }

  var isAtEnd: Bool {
    mutating get {
      skipBlanks()
      return bytes.isEmpty
    }
  }

  mutating func skipBlanks() { bytes = bytes.drop(while: Self.isBlank) }

  /// Answers whether the text stood here, which is then passed.
  mutating func take(_ text: String) -> Bool {
    skipBlanks()
    guard bytes.starts(with: text.utf8) else { return false }
    bytes = bytes.dropFirst(text.utf8.count)
    return true
  }

  /// A number in decimal figures that is not negative; nothing where there is none, or too large a one.
  mutating func number() -> Int? {
    skipBlanks()
    let digits = bytes.prefix { (0x30...0x39).contains($0) }
    bytes = bytes.dropFirst(digits.count)
    return digits.isEmpty ? nil : Int(String(decoding: digits, as: UTF8.self))
  }

  mutating func hexadecimal() -> UInt64? {
    skipBlanks()
    let digits = bytes.prefix {
      (0x30...0x39).contains($0) || (0x61...0x66).contains($0) || (0x41...0x46).contains($0)
    }
    bytes = bytes.dropFirst(digits.count)
    return digits.isEmpty ? nil : UInt64(String(decoding: digits, as: UTF8.self), radix: 16)
  }

  /// What stands before the next blank.
  mutating func word() -> String {
    skipBlanks()
    let word = bytes.prefix { !Self.isBlank($0) }
    bytes = bytes.dropFirst(word.count)
    return String(decoding: word, as: UTF8.self)
  }

  /// All that is left, without the blanks around it.
  var rest: String {
    var rest = bytes.drop(while: Self.isBlank)
    while let last = rest.last, Self.isBlank(last) { rest.removeLast() }
    return String(decoding: rest, as: UTF8.self)
  }
}
