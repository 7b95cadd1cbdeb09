import Foundation
import Testing

import Kernels

/// What ggml and the gguf package make of weights: see `Golden/ggml.py`.
struct GoldenFormats: Decodable {
  let weights: Data
  let kinds: [String: Data]
  let formats: [String: Format]

  struct Format: Decodable {
    let blocks: Data
    let weights: Data
    let errors: [String: Double]
  }

  static func read() throws -> GoldenFormats {
    let url = try #require(Bundle.module.url(forResource: "ggml", withExtension: "json"))
    return try JSONDecoder().decode(GoldenFormats.self, from: Data(contentsOf: url))
  }

  static func floats(_ data: Data) -> [Float] {
    data.withUnsafeBytes { raw in
      (0..<data.count / 4).map { raw.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
    }
  }
}

extension BlockFormat {
  static func quantized(_ weights: [Float]) -> [UInt8] {
    var blocks = [UInt8](repeating: 0xAA, count: weights.count / blockLength * blockBytes)
    weights.withUnsafeBufferPointer { weights in
      blocks.withUnsafeMutableBytes { blocks in
        guard let from = weights.baseAddress, let to = blocks.baseAddress else { return }
        for index in 0..<weights.count / blockLength {
          quantize(from + index * blockLength, into: to + index * blockBytes)
        }
      }
    }
    return blocks
  }

  static func dequantized(_ blocks: [UInt8]) -> [Float] {
    var weights = [Float](repeating: .nan, count: blocks.count / blockBytes * blockLength)
    blocks.withUnsafeBytes { blocks in
      weights.withUnsafeMutableBufferPointer { weights in
        guard let from = blocks.baseAddress, let to = weights.baseAddress else { return }
        for index in 0..<weights.count / blockLength {
          dequantize(from + index * blockBytes, into: to + index * blockLength)
        }
      }
    }
    return weights
  }
}
