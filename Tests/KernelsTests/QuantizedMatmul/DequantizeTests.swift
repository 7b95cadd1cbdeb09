import Kernels
import Quantities
import TestSupport
import Testing

extension Threaded {
  @Suite struct DequantizeTests {
    static let integers = [GroupSize.of32, .of64, .of128].flatMap { group in
      ZeroPoint.allCases.flatMap { zero in
        [ElementType.int8, .int4, .int3].map {
          Dequantize.Problem(n: 19, k: 384, format: $0, groupSize: group, zeroPoint: zero)
        }
      }
    }

    /// Past the caches, too: two threads' caches hold 4 MiB here, and less elsewhere.
    @Test(arguments: ElementType.allCases)
    func `every variant gives the format's bits`(format: ElementType) throws {
      let problems = [(1, 256), (19, 512), (700, 2048)].map {
        Dequantize.Problem(n: $0.0, k: $0.1, format: format)
      }
      #expect(try Conformance<Dequantize>().failures(of: problems, threads: [1, 2]) == [])
    }

    @Test(arguments: integers)
    func `groups give their bits`(problem: Dequantize.Problem) throws {
      #expect(try Conformance<Dequantize>().failures(of: [problem], threads: [1]) == [])
    }

    @Test func `rows of int8 end where they end`() throws {
      let problems = [1, 31, 33, 1000].map { Dequantize.Problem(n: 5, k: $0, format: .int8) }
      #expect(try Conformance<Dequantize>().failures(of: problems, threads: [1]) == [])
    }

    @Test(arguments: QuantizedMatmulTests.quantized)
    func `quantizing fills all bytes, the same each time`(format: ElementType) throws {
      let problem = Dequantize.Problem(n: 3, k: 512, format: format)
      #expect(try Conformance<Quantize>().failures(of: [problem], threads: [1]) == [])
    }
  }
}
