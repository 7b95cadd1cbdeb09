import Foundation
import Quantities
import Testing

import Kernels

@Suite struct GGUFFormatTests {
  static let all: [ElementType] = [
    .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .q2_k, .q3_k, .q4_k, .q5_k, .q6_k, .iq4_nl,
  ]
  static let plain: [ElementType] = [.q8_0, .q4_0, .q4_1, .q5_0, .q5_1]
  static let searched: [ElementType] = [.q2_k, .q3_k, .q4_k, .q5_k, .q6_k, .iq4_nl]

  private let golden: GoldenFormats

  init() throws { golden = try GoldenFormats.read() }

  private func format(_ type: ElementType) throws -> (any BlockFormat.Type, GoldenFormats.Format) {
    (try #require(type.blockFormat), try #require(golden.formats[type.rawValue]))
  }

  @Test(arguments: all)
  func `dequantizing gives the bits that gguf gives`(type: ElementType) throws {
    let (format, golden) = try format(type)
    let weights = format.dequantized([UInt8](golden.blocks))
    let expected = GoldenFormats.floats(golden.weights)
    #expect(weights.map(\.bitPattern) == expected.map(\.bitPattern))
  }

  @Test(arguments: plain)
  func `quantizing gives the bytes that gguf gives`(type: ElementType) throws {
    let (format, golden) = try format(type)
    let blocks = format.quantized(GoldenFormats.floats(self.golden.weights))
    #expect(blocks == [UInt8](golden.blocks))
  }

  @Test(arguments: searched, ["gaussian", "heavy", "real"])
  func `a searched format's error is no higher than ggml's`(type: ElementType, kind: String) throws
  {
    let (format, golden) = try format(type)
    let weights = GoldenFormats.floats(try #require(self.golden.kinds[kind]))
    let back = format.dequantized(format.quantized(weights))
    let squares = zip(weights, back).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
    let error = (squares / Double(weights.count)).squareRoot()
    let theirs = try #require(golden.errors[kind])
    #expect(error <= theirs, "\(type) \(kind): \(error / theirs) of ggml's")
  }

  @Test(arguments: all)
  func `zeros stay zeros`(type: ElementType) throws {
    let (format, _) = try format(type)
    #expect(
      format.dequantized(format.quantized([Float](repeating: 0, count: 256))).allSatisfy { $0 == 0 }
    )
  }

  @Test(arguments: all)
  func `bits per weight are those of the blocks`(type: ElementType) throws {
    let (format, _) = try format(type)
    #expect(type.bytes(of: 512).count == 512 / format.blockLength * format.blockBytes)
    #expect(format.blockLength == type.blockLength)
  }
}
