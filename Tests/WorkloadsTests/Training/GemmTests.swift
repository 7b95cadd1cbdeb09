import Kernels
import Quantities
import TestSupport
import Testing
import Workloads

@Suite struct GemmTests {
  private static let threads = Array(1...min(2, ThreadPool.allowedCPUs.count))

  @Test(arguments: [GemmWorkload.Pass.forward, .input, .weight], FloatFormat.allCases)
  func `it holds on its smallest problem and beside it`(
    pass: GemmWorkload.Pass, precision: FloatFormat
  ) throws {
    let conformance = Conformance<GemmWorkload>()
    let problem = GemmWorkload.Problem(m: 37, n: 53, k: 61, precision: precision, pass: pass)
    #expect(
      try conformance.failures(of: conformance.neighbours(of: problem), threads: Self.threads)
        == [])
    #expect(try conformance.workFailures(of: problem) == [])
  }

  /// Single rows and columns, and sizes around the widths of vectors and tiles.
  @Test(arguments: [GemmWorkload.Pass.forward, .input, .weight], FloatFormat.allCases)
  func `it holds for odd shapes`(pass: GemmWorkload.Pass, precision: FloatFormat) throws {
    let problems = [
      (1, 1, 1), (1, 40, 3), (15, 1, 7), (7, 15, 1), (16, 16, 16), (33, 17, 5), (64, 32, 31),
    ].map { GemmWorkload.Problem(m: $0.0, n: $0.1, k: $0.2, precision: precision, pass: pass) }
    #expect(
      try Conformance<GemmWorkload>().failures(of: problems, threads: Self.threads) == [])
  }

  /// More terms than are packed at once, so that a result is added up in parts.
  @Test(arguments: [GemmWorkload.Pass.forward, .input, .weight])
  func `it holds where a sum is cut`(pass: GemmWorkload.Pass) throws {
    let (m, n, k) =
      switch pass {
      case .forward: (19, 35, 5003)
      case .input: (19, 5003, 35)
      case .weight: (5003, 19, 35)
      }
    let problem = GemmWorkload.Problem(m: m, n: n, k: k, precision: .bf16, pass: pass)
    #expect(
      try Conformance<GemmWorkload>().failures(of: [problem], threads: Self.threads) == [])
  }

  /// By hand for m 2, n 3, k 5 in bf16: 60 flops whichever the pass; operands of 2 bytes, results of 4.
  @Test(arguments: [
    (GemmWorkload.Pass.forward, 10 + 15, 6), (.input, 6 + 15, 10), (.weight, 6 + 10, 15),
  ])
  func `a pass reads its operands and writes its result`(
    pass: GemmWorkload.Pass, read: Int, written: Int
  ) {
    let work = GemmWorkload.work(of: .init(m: 2, n: 3, k: 5, precision: .bf16, pass: pass))
    #expect(work.flops == 60)
    #expect(work.bytesRead == Bytes(2 * read))
    #expect(work.bytesWritten == Bytes(4 * written))
  }

  /// Nothing is packed ahead: what preparing allocates is workspace alone.
  @Test func `weights are packed within the call`() throws {
    let portable = try #require(GemmWorkload.variant(named: "portable"))
    let problem = GemmWorkload.Problem(m: 4, n: 4096, k: 4096)
    let plan = try GemmWorkload.plan(of: problem, variant: portable, threads: 1)
    #expect(plan.phases[.run]?[.weights] == Bytes(4 * 4096 * 4096))
  }
}
