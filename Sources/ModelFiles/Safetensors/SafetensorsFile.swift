import Quantities

/// A file of tensors as Hugging Face's models are kept: opened, and read where and when a tensor is asked for.
///
/// Nothing in the file is trusted: its header is held against the file's size when it is opened, and what
/// is read later is held against the header.
///
/// - Source: the format's description, https://huggingface.co/docs/safetensors.
package struct SafetensorsFile: Sendable {
  package let path: String
  /// What the writer noted, as `format`.
  package let metadata: [String: String]
  /// In the order of their bytes.
  package let tensors: [SafetensorsTensor]
  private let places: [String: Int]
  private let file: PlacedFile

  /// Reads the header alone.
  ///
  /// - Throws: `ModelFileFault` or `SafetensorsFault`.
  package init(_ path: String) throws {
    let file = try PlacedFile(path)
    let prefix = 8
    guard file.size >= prefix else { throw SafetensorsFault(path, .tooShort(file.size)) }
    let start = try Self.bytes(file, 0..<prefix)
    let length = start.reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
    guard length <= SafetensorsHeader.longest else {
      let other = SafetensorsFault.OtherFormat(start)
      throw SafetensorsFault(path, other.map { .otherFormat($0) } ?? .headerTooLong(length))
    }
    guard length <= file.size - prefix else {
      throw SafetensorsFault(path, .headerCutOff(length, size: file.size))
    }
    let end = prefix + Int(length)
    let header = try SafetensorsHeader(
      Self.bytes(file, prefix..<end), data: end..<file.size, path: path)
    self.path = path
    self.file = file
    metadata = header.metadata
    tensors = header.tensors
    // The header's reader refuses a name that is there twice.
    places = Dictionary(
      zip(tensors.map(\.name), tensors.indices), uniquingKeysWith: { first, _ in first })
  }

  /// - Throws: `SafetensorsFault` where there is none of that name.
  package func tensor(_ name: String) throws -> SafetensorsTensor {
    if let place = places[name] { return tensors[place] }
    // The names of a hostile file would keep the search for hours.
    let names = tensors.lazy.map(\.name).filter { $0.utf8.count <= 256 }.prefix(4096)
    let nearest = name.utf8.count <= 256 ? nearestName(to: name, among: names) : nil
    throw SafetensorsFault(path, tensor: name, .noSuchTensor(nearest: nearest))
  }

  /// All bytes of a tensor as they are stored.
  package func bytes(of name: String) throws -> [UInt8] {
    let tensor = try tensor(name)
    _ = try knownType(of: tensor)
    return try Self.bytes(file, tensor.bytes)
  }

  /// All elements of a tensor, each exactly: floating-point formats are widened, whole numbers too.
  ///
  /// - Throws: `SafetensorsFault` where `Value` does not hold all elements of the tensor's type.
  package func values<Value: TensorValue>(of name: String, as kind: Value.Type = Value.self) throws
    -> [Value]
  {
    let tensor = try tensor(name)
    try check(tensor, holdsAs: kind)
    let (size, isTooLarge) = tensor.count.multipliedReportingOverflow(
      by: MemoryLayout<Value>.stride)
    try file.checkFits(isTooLarge ? .max : size)
    return try [Value](unsafeUninitializedCapacity: tensor.count) { values, count in
      try readValues(
        of: name, into: UnsafeMutableBufferPointer(rebasing: values[..<tensor.count]))
      count = tensor.count
    }
  }

  /// Fills `buffer` with a tensor's bytes from its byte `first` on.
  package func readBytes(
    of name: String, from first: Int = 0, into buffer: UnsafeMutableRawBufferPointer
  ) throws {
    let tensor = try tensor(name)
    _ = try knownType(of: tensor)
    precondition(
      first >= 0 && buffer.count <= tensor.bytes.count - first, "the bytes are within the tensor")
    try file.read(at: tensor.bytes.lowerBound + first, into: buffer)
  }

  /// Fills `buffer` with a tensor's elements from its element `first` on, each exactly.
  package func readValues<Value: TensorValue>(
    of name: String, from first: Int = 0, into buffer: UnsafeMutableBufferPointer<Value>
  ) throws {
    let tensor = try tensor(name)
    let type = try check(tensor, holdsAs: Value.self)
    precondition(
      first >= 0 && buffer.count <= tensor.count - first, "the elements are within the tensor")
    let stride = type.bits / 8
    let start = tensor.bytes.lowerBound + first * stride
    // So few that they are still in the second-level cache when they are widened.
    let piece = min(buffer.count, 1 << 16)
    var bytes = [UInt8](repeating: 0, count: piece * stride)
    var done = 0
    while done < buffer.count {
      let count = min(piece, buffer.count - done)
      try bytes.withUnsafeMutableBytes { bytes in
        let bytes = UnsafeMutableRawBufferPointer(rebasing: bytes[..<(count * stride)])
        try file.read(at: start + done * stride, into: bytes)
        if type == .bool, let wrong = bytes.firstIndex(where: { $0 > 1 }) {
          let element = first + done + wrong
          throw SafetensorsFault(
            path, tensor: name, .noTruthValue(bytes[wrong], element: element))
        }
        Value.widen(
          UnsafeRawBufferPointer(bytes), of: type,
          into: UnsafeMutableBufferPointer(rebasing: buffer[done..<(done + count)]))
      }
      done += count
    }
  }

  private func knownType(of tensor: SafetensorsTensor) throws -> SafetensorsType {
    guard let type = tensor.type else {
      throw SafetensorsFault(path, tensor: tensor.name, .unknownType(tensor.typeName))
    }
    return type
  }

  @discardableResult private func check(
    _ tensor: SafetensorsTensor, holdsAs kind: (some TensorValue).Type
  ) throws -> SafetensorsType {
    let type = try knownType(of: tensor)
    guard kind.holds.contains(type) else {
      throw SafetensorsFault(
        path, tensor: tensor.name, .valuesDoNotFit(type: type.rawValue, into: "\(kind)"))
    }
    return type
  }

  private static func bytes(_ file: PlacedFile, _ range: Range<Int>) throws -> [UInt8] {
    try file.checkFits(range.count)
    return try [UInt8](unsafeUninitializedCapacity: range.count) { bytes, count in
      let asked = UnsafeMutableBufferPointer(rebasing: bytes[..<range.count])
      try file.read(at: range.lowerBound, into: UnsafeMutableRawBufferPointer(asked))
      count = range.count
    }
  }
}
