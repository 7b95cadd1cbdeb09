import Foundation
import ModelFiles
import Quantities
import Statistics
import Testing

/// A file with changed bytes is refused in words, or read as what it says: nothing ends the process.
@Suite struct SafetensorsMutationTests {
  /// What stands in place of a number or between two bytes.
  private static let tokens = [
    "-1", "0", "1e9", "9223372036854775807", "18446744073709551616", "null", "{}", "[]", "\"\"",
    "[[[[", "}}", "\"a\":", ",", ":", "\"", "\\u0000", "\\ud800", "\u{0}", "é", "F64", "I4", " ",
  ].map { Array($0.utf8) }

  private let scratch = Scratch()

  private func seed() throws -> [UInt8] {
    let values = (0..<800).map { Float($0) }
    let path = scratch.path("seed")
    try SafetensorsWriter(
      [
        SafetensorsEntry("a.weight", shape: [20, 40], values: values),
        SafetensorsEntry("a.bias", shape: [5], values: [1, 2, 3, 4, 5] as [Int64]),
        SafetensorsEntry("b", .bf16, shape: [2, 3]) { take in
          try [UInt16](repeating: 0x3F80, count: 6).withUnsafeBytes(take)
        },
        SafetensorsEntry("none", .f16, shape: [0]) { _ in },
        SafetensorsEntry("\"ü\"\n", .bool, shape: []) { take in
          try [1 as UInt8].withUnsafeBytes(take)
        },
      ], metadata: ["format": "pt"]
    ).write(to: path)
    return try scratch.bytes("seed")
  }

  private func mutated(_ seed: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
    // Half of all changes are made to the header, and half of those keep its length right.
    let length = 8 + seed[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    let isOfHeader = random.next(under: 2) == 0
    var bytes = isOfHeader ? Array(seed[8..<length]) : seed
    for _ in 0...random.next(under: 3) where !bytes.isEmpty {
      let place = random.next(under: bytes.count)
      let end = min(bytes.count, place + 1 + random.next(under: 30))
      switch random.next(under: 8) {
      case 0: bytes[place] ^= UInt8(1 << random.next(under: 8))
      case 1: bytes[place] = UInt8(random.next(under: 256))
      case 2: bytes.removeSubrange(place..<end)
      case 3: bytes.removeSubrange(place...)
      case 4: bytes.insert(contentsOf: bytes[place..<end], at: random.next(under: bytes.count))
      case 5:
        bytes.insert(contentsOf: Self.tokens[random.next(under: Self.tokens.count)], at: place)
      default:
        guard let digit = bytes[place...].firstIndex(where: { (0x30...0x39).contains($0) }) else {
          continue
        }
        bytes.replaceSubrange(
          digit...digit, with: Self.tokens[random.next(under: Self.tokens.count)])
      }
    }
    guard isOfHeader else { return bytes }
    let count = random.next(under: 2) == 0 ? length - 8 : bytes.count
    return (0..<8).map { UInt8(count >> (8 * $0) & 0xFF) } + bytes + seed[length...]
  }

  /// Foundation's JSON is the other implementation that says what a header holds.
  private func check(_ file: SafetensorsFile, _ bytes: [UInt8]) throws {
    let start = 8 + bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try #require(
      try JSONSerialization.jsonObject(with: Data(bytes[8..<start])) as? [String: Any])
    #expect(file.metadata == header["__metadata__"] as? [String: String] ?? [:])
    #expect(
      Set(file.tensors.map(\.name)) == Set(header.keys).subtracting(["__metadata__"]))
    var end = start
    for tensor in file.tensors {
      let fields = try #require(header[tensor.name] as? [String: Any])
      let offsets = try #require(fields["data_offsets"] as? [Int])
      #expect(tensor.typeName == fields["dtype"] as? String)
      #expect(tensor.shape == fields["shape"] as? [Int])
      #expect(tensor.bytes == (start + offsets[0])..<(start + offsets[1]))
      #expect(tensor.bytes.lowerBound == end)
      end = tensor.bytes.upperBound
      if let type = tensor.type {
        #expect(tensor.count * type.bits == tensor.bytes.count * 8)
        #expect(try file.bytes(of: tensor.name) == Array(bytes[tensor.bytes]))
      }
      let refusal = fault {
        let values: [Double] = try file.values(of: tensor.name)
        #expect(values.count == tensor.count)
      }
      #expect((refusal == nil) == (tensor.type.map(Double.holds.contains) ?? false))
    }
    #expect(end == bytes.count)
  }

  @Test(arguments: UInt64(0)..<8) func `a mutated file is what it says, or is refused`(
    round: UInt64
  )
    throws
  {
    let seed = try seed()
    var random = SplitMix64(seed: SplitMix64.scrambled(round))
    var outcomes: [Bool: Int] = [:]
    for _ in 0..<1000 {
      let bytes = mutated(seed, &random)
      let path = try scratch.file(bytes)
      do {
        try check(try SafetensorsFile(path), bytes)
        outcomes[true, default: 0] += 1
      } catch let error as any FaultConvertible {
        #expect(error.fault.place == path)
        outcomes[false, default: 0] += 1
      }
    }
    // The mutations reach both.
    #expect(outcomes[true, default: 0] > 50 && outcomes[false, default: 0] > 500)
  }
}
