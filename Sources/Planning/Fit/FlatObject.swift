import Quantities

/// One line's JSON object of plain values, as texts: `{"batch": 8, "method": "lora"}`.
///
/// Read byte by byte: the library's decoder reads some thousand lines a second.
///
/// - Source: RFC 8259; a value that is an object or a list is none of a setting.
struct FlatObject {
  private(set) var values: [String: String] = [:]
  private let bytes: UnsafeBufferPointer<UInt8>
  private var place = 0

  /// - Throws: `Fault`, with what is wrong and at which column.
  static func read(_ line: some Sequence<UInt8>) throws(Fault) -> [String: String] {
    let bytes = Array(line)
    var found: Result<[String: String], Fault> = .success([:])
    bytes.withUnsafeBufferPointer { pointer in
      var reader = FlatObject(pointer)
      do throws(Fault) {
        try reader.readAll()
        found = .success(reader.values)
      } catch {
        found = .failure(error)
      }
    }
    return try found.get()
  }

  private init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  private func wrong(_ what: String) -> Fault {
    Fault(
      what, at: "column \(place + 1)", fix: #"write a line as {"model": "llama-3-8b", "batch": 8}"#)
  }

  private mutating func skipBlanks() {
    while place < bytes.count, [0x20, 0x09, 0x0D, 0x0A].contains(bytes[place]) { place += 1 }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    skipBlanks()
    guard place < bytes.count, bytes[place] == byte else { return false }
    place += 1
    return true
  }

  private mutating func readAll() throws(Fault) {
    guard take(UInt8(ascii: "{")) else { throw wrong("the line is no JSON object") }
    if !take(UInt8(ascii: "}")) {
      repeat {
        guard take(UInt8(ascii: "\"")) else { throw wrong("a key in quotes is missing") }
        let key = try text()
        guard take(UInt8(ascii: ":")) else { throw wrong("a colon behind \(key) is missing") }
        let value = try value(of: key)
        guard values.updateValue(value, forKey: key) == nil else {
          throw wrong("\(key) stands there twice")
        }
      } while take(UInt8(ascii: ","))
      guard take(UInt8(ascii: "}")) else { throw wrong("a comma or } is missing") }
    }
    skipBlanks()
    guard place == bytes.count else { throw wrong("something follows the object") }
  }

  private mutating func value(of key: String) throws(Fault) -> String {
    if take(UInt8(ascii: "\"")) { return try text() }
    let first = place
    while place < bytes.count, !",} \t\r\n".utf8.contains(bytes[place]) { place += 1 }
    let word = String(decoding: bytes[first..<place], as: UTF8.self)
    switch word {
    case "true": return "1"
    case "false": return "0"
    default:
      guard let number = Double(word), number.isFinite else {
        place = first
        throw wrong("\(key) has a value that is neither a text nor a number")
      }
      // 8.0 is 8: scripts write whole numbers so.
      return word.contains(".") && number == number.rounded() && abs(number) < 1e15
        ? "\(Int(number))" : word
    }
  }

  /// What stands between quotes; the first is behind.
  private mutating func text() throws(Fault) -> String {
    let first = place
    var escapes = false
    while place < bytes.count, bytes[place] != UInt8(ascii: "\"") {
      if bytes[place] == UInt8(ascii: "\\") {
        escapes = true
        place += 1
      }
      place += 1
    }
    guard place < bytes.count else {
      place = first
      throw wrong("a text has no end")
    }
    defer { place += 1 }
    guard !escapes else {
      throw wrong("a name or a word holds a backslash, which no setting has")
    }
    return String(decoding: bytes[first..<place], as: UTF8.self)
  }
}
