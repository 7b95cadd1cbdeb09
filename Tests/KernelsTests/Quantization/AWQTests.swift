import Kernels
import Quantities
import TestSupport
import Testing

extension Threaded {
  @Suite struct AWQTests {
    private static let format = WeightFormat(
      .int4, groupSize: .of32, zeroPoint: .stored, packing: .awq)

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

    @Test(arguments: [8, 24, 40, 704])
    func `every loop gives the same bits`(n: Int) throws {
      let problem = Dequantize.Problem(
        n: n, k: 256, format: .int4, groupSize: .of64, zeroPoint: .stored, packing: .awq)
      #expect(try Conformance<Dequantize>().failures(of: [problem], threads: [1, 2]) == [])
    }

    @Test func `products take them, and storing them fills all bytes`() throws {
      let product = QuantizedMatmul.Problem(
        m: 3, n: 40, k: 256, format: .int4, zeroPoint: .stored, packing: .awq)
      #expect(try Conformance<QuantizedMatmul>().failures(of: [product], threads: [1]) == [])
      let storing = Quantize.Problem(
        n: 8, k: 64, format: .int4, groupSize: .of32, zeroPoint: .stored, packing: .awq,
        method: .gptq)
      #expect(try Conformance<Quantize>().failures(of: [storing], threads: [1]) == [])
    }

    @Test(arguments: [
      (Dequantize.Problem(n: 8, k: 128, format: .int4, packing: .awq), "packing"),
      (.init(n: 8, k: 128, format: .int8, zeroPoint: .stored, packing: .awq), "packing"),
      (.init(n: 12, k: 128, format: .int4, zeroPoint: .stored, packing: .awq), "n"),
    ])
    func `what AWQ does not store is refused`(problem: Dequantize.Problem, axis: String) {
      let fault = #expect(throws: ProblemFault.self) { try Dequantize.validate(problem) }
      #expect(fault?.axis == axis)
    }
  }
}
