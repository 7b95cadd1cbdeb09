import Kernels
import Workloads
import Quantities
import TestSupport
import Testing

extension Threaded {
  @Suite struct DequantizeTests {
    static let integers = [GroupSize.of32, .of64, .of128].flatMap { group in
      ZeroPoint.allCases.flatMap { zero in
        [ElementType.int8, .int4, .int3].map {
          DequantizeWorkload.Problem(n: 19, k: 384, format: $0, groupSize: group, zeroPoint: zero)
        }
      }
    }

    /// Past the caches, too: two threads' caches hold 4 MiB here, and less elsewhere.
    @Test(arguments: ElementType.allCases)
    func `every variant gives the format's bits`(format: ElementType) throws {
      let problems = [(1, 256), (19, 512), (700, 2048)].map {
        DequantizeWorkload.Problem(n: $0.0, k: $0.1, format: format)
      }
      #expect(try Conformance<DequantizeWorkload>().failures(of: problems, threads: [1, 2]) == [])
    }

    @Test(arguments: integers)
    func `groups give their bits`(problem: DequantizeWorkload.Problem) throws {
      #expect(try Conformance<DequantizeWorkload>().failures(of: [problem], threads: [1]) == [])
    }

    @Test func `rows of int8 end where they end`() throws {
      let problems = [1, 31, 33, 1000].map {
        DequantizeWorkload.Problem(n: 5, k: $0, format: .int8)
      }
      #expect(try Conformance<DequantizeWorkload>().failures(of: problems, threads: [1]) == [])
    }

    @Test(arguments: QuantizedMatmulTests.quantized)
    func `quantizing fills all bytes, the same each time`(format: ElementType) throws {
      let problem = QuantizeWorkload.Problem(n: 3, k: 512, format: format)
      #expect(try Conformance<QuantizeWorkload>().failures(of: [problem], threads: [1]) == [])
    }

    @Test(arguments: [QuantizeWorkload.Method.gptq, .gptqActOrder])
    func `calibrating fills all bytes, the same each time`(method: QuantizeWorkload.Method) throws {
      let problem = QuantizeWorkload.Problem(
        n: 3, k: 64, format: .int4, groupSize: .of32, zeroPoint: .stored, method: method)
      #expect(try Conformance<QuantizeWorkload>().failures(of: [problem], threads: [1]) == [])
    }

    /// On inputs that it was not calibrated with, which are as correlated.
    @Test(arguments: [ElementType.int4, .int3])
    func `GPTQ's outputs err by less than three quarters of the nearest codes'`(
      format: ElementType
    ) throws {
      func error(_ method: QuantizeWorkload.Method) throws -> Double {
        let problem = QuantizeWorkload.Problem(
          n: 24, k: 128, format: format, groupSize: .of32, method: method)
        let operands = try QuantizeWorkload.operands(for: problem, seed: 7, in: MemoryLedger())
        let sample = OutputSample(rows: 1, columns: 1, flopsPerResult: 1, seed: 0)
        return try #require(
          QuantizeWorkload.expectation(of: problem, operands, at: sample).formatError)
      }
      let nearest = try error(.nearest)
      #expect(try error(.gptq) < 0.75 * nearest)
      #expect(try error(.gptqActOrder) < 0.75 * nearest)
    }

    @Test func `GPTQ has whole numbers in groups alone`() {
      let fault = #expect(throws: ProblemFault.self) {
        try QuantizeWorkload.validate(.init(n: 1, k: 256, format: .q4_0, method: .gptq))
      }
      #expect(fault?.axis == "method")
      #expect(fault?.mend == "use int8, int4 or int3 with a group-size, or the method nearest")
      #expect(throws: ProblemFault.self) {
        try QuantizeWorkload.validate(.init(n: 1, k: 256, format: .int8, method: .gptq))
      }
    }
  }
}
