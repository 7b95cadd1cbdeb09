import Foundation
import Testing

/// What PyTorch, transformers and PEFT make of numbers that are drawn here and there alike: see `tiny.py`.
struct GoldenFile<Cases: Decodable>: Decodable {
  let cases: Cases

  /// - Parameter name: of the file beside this, and of the script that wrote it.
  static func cases(_ name: String) throws -> Cases {
    let url = try #require(Bundle.module.url(forResource: name, withExtension: "json"))
    return try JSONDecoder().decode(GoldenFile.self, from: Data(contentsOf: url)).cases
  }
}

/// An array of a golden file, in fp64: as such, or as fp32 or bytes, in base64.
struct GoldenArray: Decodable, Sendable {
  let shape: [Int]
  let values: [Double]

  private enum CodingKeys: String, CodingKey { case shape, f64, f32, u8 }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    shape = try container.decode([Int].self, forKey: .shape)
    if let data = try container.decodeIfPresent(Data.self, forKey: .f64) {
      values = Self.numbers(data) { (bits: UInt64) in Double(bitPattern: UInt64(littleEndian: bits))
      }
    } else if let data = try container.decodeIfPresent(Data.self, forKey: .f32) {
      values = Self.numbers(data) { (bits: UInt32) in
        Double(Float(bitPattern: UInt32(littleEndian: bits)))
      }
    } else {
      values = try container.decode(Data.self, forKey: .u8).map(Double.init)
    }
    guard values.count == shape.reduce(1, *) else {
      throw DecodingError.dataCorruptedError(
        forKey: .shape, in: container, debugDescription: "\(values.count) numbers")
    }
  }

  private static func numbers<Bits: FixedWidthInteger>(
    _ data: Data, _ number: (Bits) -> Double
  ) -> [Double] {
    let size = MemoryLayout<Bits>.size
    return data.withUnsafeBytes { bytes in
      (0..<data.count / size).map {
        number(bytes.loadUnaligned(fromByteOffset: $0 * size, as: Bits.self))
      }
    }
  }
}
