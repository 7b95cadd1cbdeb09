package import Foundation
import Quantities

/// Decodes this program's own JSON out of a file, where nothing is trusted: structure and numbers are
/// looked over before any value is made of them.
package enum StoredJSON {
  /// - Throws: `InputFault.Reason`, in words that name the place.
  package static func decode<Value: Decodable>(_ type: Value.Type, from data: Data)
    throws(InputFault.Reason) -> Value
  {
    try JSONStructure.check(data, ofOwn: true)
    do {
      return try JSONText.decode(type, from: data)
    } catch let error as DecodingError {
      throw .wrong(error.place)
    } catch {
      throw .wrong("it is not of this form")
    }
  }

  /// The `schema` that the text's first object names, where it names one; what else is wrong with the
  /// text, its reader says.
  package static func schema(of data: Data) -> String? {
    JSONStructure.topFields(of: data)["schema"] ?? nil
  }
}

/// A look over a JSON text without making anything of it.
package enum JSONStructure {
  /// A text of more than this many bytes is no single JSON value that is read: decoding takes up to
  /// thirty times as much; fifty where it is of another tool, whose fields are all kept.
  package static let largest = 24 << 20
  private static let largestOfOthers = 14 << 20
  /// Values inside each other.
  private static let deepest = 128
  /// What sums of thousands of such numbers still hold in 64 bits.
  private static let maxDigits = 16

  /// - Parameter ofOwn: whether whole numbers must be ones that this program can have written.
  package static func check(_ data: Data, ofOwn: Bool) throws(InputFault.Reason) {
    let limit = ofOwn ? largest : largestOfOthers
    guard data.count <= limit else {
      throw .wrong("a single value of it is larger than \(Bytes(limit))")
    }
    let found = data.withUnsafeBytes { scan($0, ofOwn: ofOwn) }
    if let found { throw found }
  }

  private static func scan(_ bytes: UnsafeRawBufferPointer, ofOwn: Bool) -> InputFault.Reason? {
    var depth = 0
    var key = 0..<0
    var last = 0..<0
    var index = 0
    var isEmpty = true
    while index < bytes.count {
      let byte = bytes[index]
      switch byte {
      case UInt8(ascii: "\""):
        isEmpty = false
        let start = index + 1
        index += 1
        while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
          index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard index < bytes.count else { return .cutOff }
        last = start..<index
      case UInt8(ascii: ":"): key = last
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        isEmpty = false
        depth += 1
        if depth > deepest { return .wrong("its values are more than \(deepest) deep") }
      case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
      case UInt8(ascii: "0")...UInt8(ascii: "9") where ofOwn:
        let start = index
        var isWhole = true
        while index < bytes.count, isNumber(bytes[index]) {
          if !isDigit(bytes[index]) { isWhole = false }
          index += 1
        }
        // The seed is any number of 64 bits.
        if isWhole, index - start > maxDigits, !isSeed(bytes, key) {
          let name = String(decoding: UnsafeRawBufferPointer(rebasing: bytes[key]), as: UTF8.self)
          return .wrong("'\(name.prefix(40))' holds a number that cannot be")
        }
        index -= 1
      default: break
      }
      index += 1
    }
    if depth > 0 { return .cutOff }
    return isEmpty && bytes.allSatisfy { $0 <= 0x20 } ? .empty : nil
  }

  /// The keys of the text's first object, with those values that are texts.
  package static func topFields(of data: Data) -> [String: String?] {
    data.withUnsafeBytes { bytes in
      func text(_ range: Range<Int>) -> String {
        let piece = UnsafeRawBufferPointer(rebasing: bytes[range])
        if piece.contains(UInt8(ascii: "\\")) {
          // Some writers put a backslash before each slash.
          let quoted = Data("\"".utf8) + Data(piece) + Data("\"".utf8)
          if let plain = try? JSONDecoder().decode(String.self, from: quoted) { return plain }
        }
        return String(decoding: piece, as: UTF8.self)
      }
      var fields: [String: String?] = [:]
      var depth = 0
      var last: Range<Int>?
      var key: String?
      var index = 0
      while index < bytes.count {
        switch bytes[index] {
        case UInt8(ascii: "\""):
          let start = index + 1
          index += 1
          while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
            index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
          }
          guard index < bytes.count else { return fields }
          last = start..<index
          if depth == 1, let name = key {
            fields[name] = text(start..<index)
            key = nil
          }
        case UInt8(ascii: ":") where depth == 1:
          if let range = last {
            key = text(range)
            fields[text(range)] = .some(nil)
          }
        case UInt8(ascii: ",") where depth == 1: key = nil
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
          depth -= 1
          if depth <= 0 { return fields }
        default: break
        }
        index += 1
      }
      return fields
    }
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  private static func isNumber(_ byte: UInt8) -> Bool {
    isDigit(byte) || ".eE+-".utf8.contains(byte)
  }

  private static func isSeed(_ bytes: UnsafeRawBufferPointer, _ key: Range<Int>) -> Bool {
    bytes[key].elementsEqual("seed".utf8)
  }
}
