import Kernels
import Workloads
import Quantities
import TestSupport
import Testing

extension Threaded {
  @Suite struct QuantizedMatmulTests {
    private let conformance = Conformance<QuantizedMatmulWorkload>()

    static let quantized = ElementType.allCases.filter {
      FloatFormat(rawValue: $0.rawValue) == nil
    }

    /// Odd numbers of rows and outputs, more than one panel, more than one super-block.
    @Test(arguments: ElementType.allCases)
    func `a product holds in every format, with activations in 8 bits and in fp32`(
      format: ElementType
    ) throws {
      var problems: [QuantizedMatmulWorkload.Problem] = []
      for (m, n) in [(1, 1), (2, 33), (9, 70), (17, 31)] {
        for activations in [QuantizedMatmulWorkload.Activations.fastest, .fp32] {
          problems.append(
            QuantizedMatmulWorkload.Problem(
              m: m, n: n, k: 512, format: format, activations: activations))
        }
      }
      #expect(try conformance.failures(of: problems, threads: [1, 2]) == [])
    }

    @Test(
      arguments: [ElementType.int8, .int4, .int3], [GroupSize.of32, .of64, .of128])
    func `groups hold in every size, with zero points and without`(
      format: ElementType, group: GroupSize
    ) throws {
      let problems = [QuantizedMatmulWorkload.Activations.int8, .fp32].flatMap { activations in
        ZeroPoint.allCases.map {
          QuantizedMatmulWorkload.Problem(
            m: 3, n: 41, k: 384, format: format, groupSize: group, zeroPoint: $0,
            activations: activations)
        }
      }
      #expect(try conformance.failures(of: problems, threads: [1]) == [])
    }

    /// A row has one scale: its length is free.
    @Test(arguments: [1, 31, 32, 33, 1000, 1025])
    func `int8 rows hold at any length`(k: Int) throws {
      let problems = [QuantizedMatmulWorkload.Activations.int8, .fp32].map {
        QuantizedMatmulWorkload.Problem(m: 5, n: 37, k: k, format: .int8, activations: $0)
      }
      #expect(try conformance.failures(of: problems, threads: [1]) == [])
    }

    /// More rows than one row block, and k of several cuts.
    @Test(arguments: [ElementType.q4_0, .q6_k, .q2_k, .nf4, .int8])
    func `a product holds beyond one row block`(format: ElementType) throws {
      let problem = QuantizedMatmulWorkload.Problem(m: 301, n: 40, k: 5120, format: format)
      let failures = try conformance.failures(of: [problem], threads: [2])
      #expect(failures == [])
    }
  }
}
