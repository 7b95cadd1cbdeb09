import Kernels
import Quantities
import Testing

@Suite struct AWQTests {
  private static let format = WeightFormat(
    .int4, group: 32, hasZeroPoint: true, packing: .awq)

  /// Words as NumPy packs them after AutoAWQ: see `Golden/awq.py`. All scales are 1.
  @Test func `words are read as AutoAWQ packs them`() throws {
    let words: [Int: [UInt32]] = [
      0: [0x1357_ace0, 0x9bdf_2468], 1: [0xbbbb_3333, 0xbbbb_3333],
      63: [0x7bf3_159d, 0x7bf3_159d],
    ]
    let zeros: [[UInt32]] = [[0x39f5_e4a0, 0xb17d_6c28], [0xc28e_7d39, 0x4a06_f5b1]]
    let bytes = Self.format.bytes(rows: 16, columns: 64).count
    #expect(bytes == 64 * 2 * 4 + 2 * 16 * 2 + 2 * 2 * 4)
    try withUnsafeTemporaryAllocation(byteCount: bytes, alignment: 64) { buffer in
      buffer.initializeMemory(as: UInt8.self, repeating: 0)
      for (k, pair) in words {
        for (index, word) in pair.enumerated() {
          buffer.storeBytes(of: word, toByteOffset: (k * 2 + index) * 4, as: UInt32.self)
        }
      }
      for scale in 0..<32 {
        buffer.storeBytes(of: 0x3C00, toByteOffset: 512 + scale * 2, as: UInt16.self)
      }
      for (index, word) in zeros.joined().enumerated() {
        buffer.storeBytes(of: word, toByteOffset: 576 + index * 4, as: UInt32.self)
      }
      let start = try #require(buffer.baseAddress)
      let matrix = try #require(Self.format.weights(at: start, rows: 16, columns: 64))
      var row = [Float](repeating: .nan, count: 64)
      for output in 0..<16 {
        row.withUnsafeMutableBufferPointer { to in
          if let to = to.baseAddress { matrix.dequantize(row: output, into: to) }
        }
        for k in words.keys {
          let code = (7 * output + 3 * k + output * k) % 16
          let zero = (5 * output + 9 * (k / 32)) % 16
          #expect(row[k] == Float(code - zero), "output \(output), k \(k)")
        }
      }
    }
  }
}
