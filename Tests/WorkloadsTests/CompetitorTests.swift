import Glibc
import Kernels
import Workloads
import Quantities
import Testing

extension Threaded {
  @Suite struct CompetitorTests {
    private func variant(_ name: String) throws -> Variant<MatmulWorkload> {
      try #require(MatmulWorkload.variants.first { $0.name == name && $0.kind == .competitor })
    }

    @Test func `best is never a library of others`() {
      #expect(MatmulWorkload.bestVariant?.kind == .own)
    }

    @Test(.enabled(if: ForeignLibrary.openblas.missing == nil))
    func `what a library has no product for is declined with the reason`() throws {
      let half = MatmulWorkload.Problem(m: 1, n: 1, k: 1, precision: .fp16)
      #expect(try variant("openblas").declines(half) == "OpenBLAS multiplies fp32 only")
      let single = MatmulWorkload.Problem(m: 1, n: 1, k: 1, precision: .fp32)
      #expect(try variant("openblas").declines(single) == nil)
    }

    /// Where it is there: a matrix, and a vector, which takes another function.
    @Test(
      .enabled(if: ForeignLibrary.openblas.missing == nil), arguments: [1, 5], [1, 2])
    func `openblas agrees, and names its version`(m: Int, threads: Int) throws {
      let problem = MatmulWorkload.Problem(m: m, n: 33, k: 65, precision: .fp32)
      let pool = try ThreadPool(threads: min(threads, ThreadPool.allowedCPUs.count))
      let ledger = try MemoryLedger()
      let operands = try MatmulWorkload.operands(for: problem, seed: 3, in: ledger)
      let kernel = try variant("openblas").prepare(
        problem, operands, Execution(ledger: ledger, pool: pool))
      operands.c.fillNaN()
      kernel.run()
      let sample = OutputSample(rows: m, columns: 33, flopsPerResult: 1, seed: 0)
      let expected = MatmulWorkload.expectation(of: problem, operands, at: sample)
      for index in 0..<sample.count {
        let (error, limit) = expected.judge(
          Double(operands.c[index]), at: index, MatmulWorkload.tolerance(of: problem))
        #expect(error <= limit)
      }
      #expect(kernel.library?.contains("OpenBLAS") == true)
    }
  }
}
