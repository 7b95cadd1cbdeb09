import Planning
import Quantities
import Testing

/// What a case is expected to take.
@Suite struct TimeEstimateTests {
  private func estimate(
    flops: Int = 1, bytes: Int = 1, checked: Int = 0, peak: Bytes = .zero, threads: Int = 1,
    isCold: Bool = false, budget: Double = 1
  ) -> TimeEstimate {
    TimeEstimate(
      .init(
        work: Work(
          flops: flops, bytesRead: Bytes(bytes), bytesWritten: .zero, format: .fp32),
        checkedFlops: checked, peak: peak, threads: threads, isCold: isCold,
        budget: Seconds(budget)))
  }

  @Test func `a small case takes its budget, and little more`() {
    let small = estimate()
    #expect(small.sampling.value >= 1 && small.sampling.value < 1.2)
    #expect(small.total.value < 1.4)
  }

  /// 77 GFLOP at 110 · 0.7 GFLOP/s take a second: a call is checked, two find the length of a sample, five
  /// warm up, and of each block one is not timed.
  @Test func `calls that are longer than the budget are made all the same`() {
    let long = estimate(flops: 77_000_000_000)
    #expect(abs(long.warming.value - 8) < 1e-9)
    #expect(abs(long.sampling.value - 2.006) < 1e-9)
  }

  @Test func `more threads compute faster, and read memory as fast`() {
    let one = estimate(flops: 77_000_000_000).warming.value
    #expect(abs(estimate(flops: 77_000_000_000, threads: 2).warming.value - one / 2) < 1e-9)
    let bytes = 1 << 34
    #expect(estimate(bytes: bytes).warming == estimate(bytes: bytes, threads: 2).warming)
  }

  @Test func `what a case holds is filled, and what is checked is computed`() {
    #expect(estimate(peak: Bytes(1_700_000_000)).filling == Seconds(2))
    #expect(estimate(checked: 1_000_000_000).checking.value > 0.2)
    #expect(estimate(isCold: true).filling > estimate().filling)
  }

  @Test
  func `a plan takes all its processes, and a look at the machine for each number of threads`()
    throws
  {
    func plan(_ runs: Int, threads: String) throws -> Plan {
      try Planner(cores: 2).plan(
        SuiteReader.parse(
          """
          suite: t
          measure: { budget: 2 s, runs: \(runs) }
          sweep:
            - workload: self-test
              axes: { nanoseconds: [1, 2], threads: \(threads) }
          """, path: "t.yaml"))
    }
    let one = try plan(3, threads: "1")
    let each = one.estimate(of: one.cases[0]).total.value
    #expect(abs(one.estimatedSeconds.value - (6 * each + Plan.looking.value)) < 1e-9)
    let two = try plan(3, threads: "2")
    #expect(abs(two.estimatedSeconds.value - (6 * each + 2 * Plan.looking.value)) < 1e-9)
  }
}
