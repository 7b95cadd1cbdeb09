import Kernels
import Quantities
import TestSupport
import Testing
import Workloads

extension Threaded {
  /// int4 in the words of AWQ, in every workload that stores or reads them.
  @Suite struct AWQWorkloadTests {
    @Test(arguments: [8, 24, 40, 704])
    func `every loop gives the same bits`(n: Int) throws {
      let problem = DequantizeWorkload.Problem(
        n: n, k: 256, format: .int4, groupSize: .of64, zeroPoint: .stored, packing: .awq)
      #expect(try Conformance<DequantizeWorkload>().failures(of: [problem], threads: [1, 2]) == [])
    }

    @Test func `products take them, and storing them fills all bytes`() throws {
      let product = QuantizedMatmulWorkload.Problem(
        m: 3, n: 40, k: 256, format: .int4, zeroPoint: .stored, packing: .awq)
      #expect(
        try Conformance<QuantizedMatmulWorkload>().failures(of: [product], threads: [1]) == [])
      let storing = QuantizeWorkload.Problem(
        n: 8, k: 64, format: .int4, groupSize: .of32, zeroPoint: .stored, packing: .awq,
        method: .gptq)
      #expect(try Conformance<QuantizeWorkload>().failures(of: [storing], threads: [1]) == [])
    }

    @Test(arguments: [
      (DequantizeWorkload.Problem(n: 8, k: 128, format: .int4, packing: .awq), "packing"),
      (.init(n: 8, k: 128, format: .int8, zeroPoint: .stored, packing: .awq), "packing"),
      (.init(n: 12, k: 128, format: .int4, zeroPoint: .stored, packing: .awq), "n"),
    ])
    func `what AWQ does not store is refused`(problem: DequantizeWorkload.Problem, axis: String) {
      let fault = #expect(throws: ProblemFault.self) { try DequantizeWorkload.validate(problem) }
      #expect(fault?.axis == axis)
    }
  }
}
