import Foundation
import Records

/// Any JSON value, for the files of tools whose fields are not known beforehand.
enum JSONValue: Decodable, Sendable {
  case null
  case flag(Bool)
  case number(Double)
  case text(String)
  case list([JSONValue])
  case object([String: JSONValue])

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let flag = try? container.decode(Bool.self) {
      self = .flag(flag)
    } else if let number = try? container.decode(Double.self) {
      self = .number(number)
    } else if let text = try? container.decode(String.self) {
      self = .text(text)
    } else if (try? decoder.unkeyedContainer()) != nil {
      self = .list(try container.decode([JSONValue].self))
    } else if (try? decoder.container(keyedBy: Key.self)) != nil {
      self = .object(try container.decode([String: JSONValue].self))
    } else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "a number that is none")
    }
  }

  private enum Key: CodingKey {}

  /// - Throws: `InputFault.Reason`. NaN and Infinity are taken as numbers: several tools write them.
  static func read(_ data: Data) throws(InputFault.Reason) -> JSONValue {
    try JSONStructure.check(data, ofOwn: false)
    let decoder = JSONDecoder()
    decoder.allowsJSON5 = true
    do {
      return try decoder.decode(JSONValue.self, from: data)
    } catch let error as DecodingError {
      throw .wrong(error.place)
    } catch {
      throw .wrong("it is not whole JSON")
    }
  }

  /// Within a list, where a text and a number are told apart.
  private var element: String {
    if case .text(let text) = self { "\"\(text)\"" } else { setting ?? "null" }
  }

  subscript(key: String) -> JSONValue? {
    if case .object(let fields) = self { fields[key] } else { nil }
  }

  /// A setting as it takes part in a case's name: truth values are numbers in some versions of a tool
  /// and words in others. Nothing for null and for an empty text.
  var setting: String? {
    switch self {
    case .null: nil
    case .flag(let flag): flag ? "1" : "0"
    case .number(let number): Int(exactly: number).map { "\($0)" } ?? "\(number)"
    case .text(let text): text.isEmpty ? nil : text
    case .list(let list):
      list.isEmpty ? nil : "[" + list.map(\.element).joined(separator: " ") + "]"
    case .object(let fields):
      fields.isEmpty
        ? nil
        : fields.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.setting ?? "null")" }
          .joined(separator: " ")
    }
  }
}

/// An object of another tool's file, with its place for whoever must mend it.
struct ForeignRow {
  let fields: [String: JSONValue]
  /// `benchmarks.[3]`
  let place: String
  let path: String

  init(_ value: JSONValue, _ path: String, _ place: String) throws {
    guard case .object(let fields) = value else {
      throw ResultFault.badValue(path, "\(place) is not of the kind it must be")
    }
    self.fields = fields
    self.place = place
    self.path = path
  }

  /// The rows of a list at a key, which must be there.
  static func rows(_ value: JSONValue, _ key: String, _ path: String) throws -> [ForeignRow] {
    guard case .list(let list)? = value[key] else {
      throw ResultFault.badValue(path, "\(key) is not of the kind it must be")
    }
    return try list.enumerated().map { try ForeignRow($1, path, "\(key).[\($0)]") }
  }

  func text(_ key: String) throws -> String? {
    switch fields[key] {
    case nil, .null: return nil
    case .text(let text): return text
    default: throw wrong(key)
    }
  }

  func requiredText(_ key: String) throws -> String {
    guard let text = try text(key) else { throw missing(key) }
    return text
  }

  func number(_ key: String) throws -> Double? {
    switch fields[key] {
    case nil, .null: return nil
    case .number(let number): return number
    default: throw wrong(key)
    }
  }

  func flag(_ key: String) throws -> Bool {
    switch fields[key] {
    case nil, .null: return false
    case .flag(let flag): return flag
    default: throw wrong(key)
    }
  }

  func numbers(_ key: String) throws -> [Double]? {
    switch fields[key] {
    case nil, .null: return nil
    case .list(let list):
      return try list.map { value in
        switch value {
        case .number(let number): return number
        // What could not be measured is no time.
        case .null: return .nan
        default: throw wrong(key)
        }
      }
    default: throw wrong(key)
    }
  }

  /// All fields that are not of the given names, as settings, in the order of their names.
  func settings(except results: Set<String>) -> [(name: String, value: String)] {
    fields.sorted { $0.key < $1.key }.compactMap { name, value in
      results.contains(name) ? nil : value.setting.map { (name, $0) }
    }
  }

  func missing(_ key: String) -> ResultFault { .badValue(path, "'\(key)' is missing at \(place)") }

  private func wrong(_ key: String) -> ResultFault {
    .badValue(path, "\(place).\(key) is not of the kind it must be")
  }
}
