/// A tensor that is to be written: what the header says of it, and where its bytes come from.
package struct SafetensorsEntry {
  /// Takes the next bytes of a tensor.
  package typealias Take = (UnsafeRawBufferPointer) throws -> Void

  package let name: String
  package let type: SafetensorsType
  package let shape: [Int]
  fileprivate let give: (Take) throws -> Void

  /// A tensor whose bytes, row-major and little-endian, are given when their turn comes, in as many pieces as
  /// there may be: none of a large model need be copied, nor be there all at once.
  package init(
    _ name: String, _ type: SafetensorsType, shape: [Int],
    give: @escaping (_ take: Take) throws -> Void
  ) {
    precondition(shape.allSatisfy { $0 >= 0 }, "no dimension is negative")
    self.name = name
    self.type = type
    self.shape = shape
    self.give = give
  }

  /// A tensor whose bytes stay where they are until all is written.
  package init(
    _ name: String, _ type: SafetensorsType, shape: [Int], bytes: UnsafeRawBufferPointer
  ) {
    self.init(name, type, shape: shape) { take in try take(bytes) }
  }

  /// A tensor of the type whose elements are stored as these values are.
  package init<Value: TensorValue>(_ name: String, shape: [Int], values: [Value]) {
    self.init(name, Value.storedType, shape: shape) { take in try values.withUnsafeBytes(take) }
  }
}

/// Writes tensors as the reference implementation does, to the byte: from the type of the largest alignment to
/// that of the smallest, names in the order of their UTF-8, a header that spaces fill to a multiple of 8.
package struct SafetensorsWriter {
  private let entries: [SafetensorsEntry]
  private let metadata: [String: String]

  /// - Parameter metadata: the reference implementation writes it in no certain order; here its keys are sorted.
  package init(_ entries: [SafetensorsEntry], metadata: [String: String] = [:]) {
    self.entries = entries.sorted { left, right in
      left.type == right.type
        ? left.name.utf8.lexicographicallyPrecedes(right.name.utf8) : left.type > right.type
    }
    self.metadata = metadata
  }

  /// The file is there whole, or is as it was. One that is there is replaced: whoever may not do so asks before.
  ///
  /// - Throws: `SafetensorsFault` of an entry, `ModelFileFault` of the file, or what an entry's closure throws.
  package func write(to path: String) throws {
    let (header, sizes) = try header(path)
    try DraftFile.write(to: path) { take in
      try header.withUnsafeBytes(take)
      for (entry, size) in zip(entries, sizes) {
        var given = 0
        try entry.give { piece in
          given += piece.count
          guard given <= size else {
            throw SafetensorsFault(
              path, tensor: entry.name, .givenBytes(given, needed: size))
          }
          try take(piece)
        }
        guard given == size else {
          throw SafetensorsFault(path, tensor: entry.name, .givenBytes(given, needed: size))
        }
      }
    }
  }

  /// The file's bytes before the tensors, and the bytes of each of those.
  private func header(_ path: String) throws -> (bytes: [UInt8], sizes: [Int]) {
    var text = Array("{".utf8)
    func begin(_ key: String) {
      if text.count > 1 { text.append(UInt8(ascii: ",")) }
      Self.append(key, to: &text)
      text.append(UInt8(ascii: ":"))
    }
    if !metadata.isEmpty {
      begin(SafetensorsHeader.metadataKey)
      text.append(contentsOf: Self.object(metadata))
    }
    var names: Set<String> = []
    var sizes: [Int] = []
    var end = 0
    for entry in entries {
      func fault(_ reason: SafetensorsFault.Reason) -> SafetensorsFault {
        SafetensorsFault(path, tensor: entry.name, reason)
      }
      guard entry.name != SafetensorsHeader.metadataKey else { throw fault(.reservedName) }
      guard names.insert(entry.name).inserted else { throw fault(.nameTwice) }
      guard let size = product(entry.shape).flatMap(entry.type.bytes),
        case let (next, isTooLarge) = end.addingReportingOverflow(size), !isTooLarge
      else { throw fault(.shapeTooLarge(entry.shape)) }
      begin(entry.name)
      let shape = entry.shape.map { "\($0)" }.joined(separator: ",")
      let rest =
        "{\"dtype\":\"\(entry.type.rawValue)\",\"shape\":[\(shape)],\"data_offsets\":[\(end),\(next)]}"
      text.append(contentsOf: rest.utf8)
      sizes.append(size)
      end = next
    }
    text.append(UInt8(ascii: "}"))
    while text.count % 8 != 0 { text.append(UInt8(ascii: " ")) }
    guard text.count <= SafetensorsHeader.longest else {
      throw SafetensorsFault(path, .headerToWriteTooLong(text.count))
    }
    let length = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) }
    return (length + text, sizes)
  }

  private static func object(_ fields: [String: String]) -> [UInt8] {
    var text = Array("{".utf8)
    let sorted = fields.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    for (key, value) in sorted {
      if text.count > 1 { text.append(UInt8(ascii: ",")) }
      append(key, to: &text)
      text.append(UInt8(ascii: ":"))
      append(value, to: &text)
    }
    text.append(UInt8(ascii: "}"))
    return text
  }

  /// A JSON text with those escapes alone that must be.
  private static func append(_ string: String, to text: inout [UInt8]) {
    text.append(UInt8(ascii: "\""))
    for byte in string.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += [UInt8(ascii: "\\"), byte]
      case 0x08: text += Array("\\b".utf8)
      case 0x09: text += Array("\\t".utf8)
      case 0x0A: text += Array("\\n".utf8)
      case 0x0C: text += Array("\\f".utf8)
      case 0x0D: text += Array("\\r".utf8)
      case 0..<0x20:
        let digits = String(byte, radix: 16)
        text += Array(("\\u00" + (byte < 0x10 ? "0" : "") + digits).utf8)
      default: text.append(byte)
      }
    }
    text.append(UInt8(ascii: "\""))
  }
}
