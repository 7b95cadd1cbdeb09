import Kernels
import Quantities
import Testing
import Workloads

/// What makes no matrix of weights is told with its mend.
@Suite struct WeightAxesTests {
  @Test(arguments: [(ElementType.q4_0, 33, 64), (.q6_k, 300, 512), (.nf4, 65, 128)])
  func `a row that is no whole number of blocks is refused with the next length that is`(
    type: ElementType, k: Int, next: Int
  ) {
    let problem = QuantizedMatmulWorkload.Problem(m: 1, n: 1, k: k, format: type)
    let fault = #expect(throws: ProblemFault.self) { try QuantizedMatmulWorkload.validate(problem) }
    #expect(fault?.axis == "k")
    #expect(fault?.mend == "round k to \(next), or use fp32 weights")
  }

  @Test func `a group that does not divide k is refused`() {
    let problem = QuantizedMatmulWorkload.Problem(
      m: 1, n: 1, k: 96, format: .int4, groupSize: .of64)
    let fault = #expect(throws: ProblemFault.self) { try QuantizedMatmulWorkload.validate(problem) }
    #expect(fault?.what == "k is 96, which is not a multiple of the 64-weight group")
  }

  @Test(arguments: [
    QuantizedMatmulWorkload.Problem(m: 1, n: 1, k: 256, format: .q4_0, groupSize: .of64),
    QuantizedMatmulWorkload.Problem(m: 1, n: 1, k: 256, format: .q4_k, zeroPoint: .stored),
    QuantizedMatmulWorkload.Problem(m: 1, n: 1, k: 256, format: .int4, groupSize: .row),
    QuantizedMatmulWorkload.Problem(m: 1, n: 1, k: 256, format: .bf16, activations: .int8),
  ])
  func `what a format does not have is refused`(problem: QuantizedMatmulWorkload.Problem) {
    #expect(throws: ProblemFault.self) { try QuantizedMatmulWorkload.validate(problem) }
  }

  @Test func `nf4 takes 4.127 bits a weight`() {
    let format = WeightFormat(.nf4)
    let bits = Double(format.bytes(rows: 4096, columns: 4096).count * 8) / (4096 * 4096)
    #expect(abs(bits - 4.127) < 0.001)
    #expect(abs(ElementType.nf4.bitsPerWeight - bits) < 1e-4)
  }
}
