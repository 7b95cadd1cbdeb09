/// What a file's header says, after all of it was held against the file's size.
struct SafetensorsHeader {
  /// The reference implementation's limit.
  static let longest = 100_000_000
  static let metadataKey = "__metadata__"

  private(set) var metadata: [String: String] = [:]
  /// In the order of their bytes.
  private(set) var tensors: [SafetensorsTensor] = []

  /// - Parameters:
  ///   - text: the header's JSON.
  ///   - data: where the tensors' bytes lie in the file.
  init(_ text: [UInt8], data: Range<Int>, path: String) throws {
    // The format asks for it; the reference implementation takes blanks before it.
    guard text.first == UInt8(ascii: "{") else { throw SafetensorsFault(path, .noBrace) }
    var reader = JSONReader(text)
    var name: String?
    do {
      try reader.object { reader, key in
        if key == Self.metadataKey {
          try reader.object { reader, key in metadata[key] = try reader.string() }
        } else {
          name = key
          let described = try DescribedTensor(&reader)
          tensors.append(try described.tensor(named: key, in: data))
          name = nil
        }
      }
      try reader.end()
      try checkCover(data)
    } catch let defect as JSONDefect {
      throw SafetensorsFault(path, tensor: name, .badJSON(defect))
    } catch let defect as Defect {
      throw SafetensorsFault(path, tensor: defect.tensor ?? name, defect.reason)
    }
  }

  /// Every byte belongs to one tensor.
  private mutating func checkCover(_ data: Range<Int>) throws {
    // Tensors without elements lie before the one that begins where they do.
    let order = tensors.indices.sorted {
      let (left, right) = (tensors[$0].bytes, tensors[$1].bytes)
      return (left.lowerBound, left.upperBound, $0) < (right.lowerBound, right.upperBound, $1)
    }
    tensors = order.map { tensors[$0] }
    var end = data.lowerBound
    var previous = ""
    for tensor in tensors {
      let start = tensor.bytes.lowerBound
      if start < end { throw Defect(.overlaps(previous), of: tensor.name) }
      if start > end { throw Defect(.hole(start - end), of: tensor.name) }
      end = tensor.bytes.upperBound
      previous = tensor.name
    }
    if end < data.upperBound { throw Defect(.trailing(data.upperBound - end)) }
  }
}

private struct Defect: Error {
  let reason: SafetensorsFault.Reason
  let tensor: String?

  init(_ reason: SafetensorsFault.Reason, of tensor: String? = nil) {
    self.reason = reason
    self.tensor = tensor
  }
}

/// A tensor's fields as they stand in the header. Others than these are passed over, as the reference
/// implementation does.
private struct DescribedTensor {
  private var type: String?
  private var shape: [Int]?
  private var offsets: [Int]?

  init(_ reader: inout JSONReader) throws {
    try reader.object { reader, key in
      switch key {
      case "dtype": type = try reader.string()
      case "shape": shape = try Self.numbers(&reader)
      case "data_offsets": offsets = try Self.numbers(&reader)
      default: try reader.skipValue()
      }
    }
  }

  private static func numbers(_ reader: inout JSONReader) throws -> [Int] {
    var numbers: [Int] = []
    try reader.list { numbers.append(try $0.wholeNumber()) }
    return numbers
  }

  func tensor(named name: String, in data: Range<Int>) throws -> SafetensorsTensor {
    guard let type else { throw Defect(.missingField("dtype")) }
    guard let shape else { throw Defect(.missingField("shape")) }
    guard let offsets else { throw Defect(.missingField("data_offsets")) }
    guard offsets.count == 2 else { throw Defect(.offsetCount(offsets.count)) }
    let (begin, end) = (offsets[0], offsets[1])
    guard begin <= end else { throw Defect(.endsBeforeItBegins(begin, end)) }
    guard end <= data.count else {
      throw Defect(.beyondTheFile(end: end, dataSize: data.count))
    }
    guard let count = product(shape) else { throw Defect(.shapeTooLarge(shape)) }
    // The elements of a type that is not known have any size.
    if let known = SafetensorsType(rawValue: type), known.bytes(of: count) != end - begin {
      throw Defect(.wrongSize(type: type, shape: shape, size: end - begin))
    }
    return SafetensorsTensor(
      name: name, typeName: type, shape: shape, count: count,
      bytes: (data.lowerBound + begin)..<(data.lowerBound + end))
  }
}

/// The elements of a shape; nothing where 64 bits do not count them.
func product(_ shape: [Int]) -> Int? {
  var count = 1
  for size in shape {
    let (all, isTooLarge) = count.multipliedReportingOverflow(by: size)
    if isTooLarge { return nil }
    count = all
  }
  return count
}
