import Records

/// Reads a problem from the values of its axes: a group of axes finds its own among all of them.
struct AxisDecoder: Decoder {
  let axes: [String: AxisValue]
  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    KeyedDecodingContainer(AxisContainer<Key>(axes: axes))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw notAnAxis("a list") }

  func singleValueContainer() throws -> any SingleValueDecodingContainer {
    throw notAnAxis("a problem of one value")
  }
}

private struct AxisContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let axes: [String: AxisValue]
  var codingPath: [any CodingKey] { [] }
  var allKeys: [Key] { axes.keys.compactMap { Key(stringValue: $0) } }

  func contains(_ key: Key) -> Bool { axes[key.stringValue] != nil }
  func decodeNil(forKey key: Key) throws -> Bool { axes[key.stringValue] == nil }

  func decode(_ type: Int.Type, forKey key: Key) throws -> Int {
    try AxisValueDecoder(value: value(key)).decode(Int.self)
  }

  func decode(_ type: String.Type, forKey key: Key) throws -> String { try value(key).text }

  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
    if type is any AxisGroup.Type { return try T(from: AxisDecoder(axes: axes)) }
    return try T(from: AxisValueDecoder(value: value(key)))
  }

  private func value(_ key: Key) throws -> AxisValue {
    guard let value = axes[key.stringValue] else {
      throw DecodingError.keyNotFound(
        key, .init(codingPath: [], debugDescription: "the axis \(key.stringValue) has no value"))
    }
    return value
  }

  func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws
    -> KeyedDecodingContainer<Nested>
  {
    throw notAnAxis("a table")
  }

  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    throw notAnAxis("a list")
  }

  func superDecoder() throws -> any Decoder { throw notAnAxis("a superclass") }
  func superDecoder(forKey key: Key) throws -> any Decoder { throw notAnAxis("a superclass") }
}

/// Reads one axis: a whole number, or a word.
private struct AxisValueDecoder: Decoder, SingleValueDecodingContainer {
  let value: AxisValue
  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    throw notAnAxis("a table")
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw notAnAxis("a list") }
  func singleValueContainer() throws -> any SingleValueDecodingContainer { self }
  func decodeNil() -> Bool { false }

  func decode(_ type: Int.Type) throws -> Int {
    guard let number = value.number else { throw notAnAxis("'\(value.text)' as a number") }
    return number
  }

  func decode(_ type: String.Type) throws -> String { value.text }
  func decode<T: Decodable>(_ type: T.Type) throws -> T { try T(from: self) }
}

private func notAnAxis(_ what: String) -> DecodingError {
  .dataCorrupted(
    .init(codingPath: [], debugDescription: "an axis holds a number or a word, not \(what)"))
}
