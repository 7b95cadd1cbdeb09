import Statistics
import Testing

@Suite struct EstimateTests {
  /// Eight blocks of 250 samples: 1...2000 dealt out in turn, so that each spans the whole range.
  private func dealt() throws -> [Sample] {
    try (1...8).map { first in
      try Sample(stride(from: Double(first), through: 2000, by: 8).map { $0 })
    }
  }

  /// By hand: block i holds i, i + 8, ..., so that its median is i + 996. Percentiles of 1...2000
  /// by numpy.quantile: 1800.1 and 1980.01. Eight medians in a ramp are too few to be joined.
  @Test func `one run is estimated from block medians and all samples`() throws {
    let estimate = try Estimate(blocks: dealt())
    #expect(estimate.scope == .withinOneProcess)
    #expect(estimate.median == 1000.5)
    #expect(estimate.interval.value?.low == 997)
    #expect(estimate.interval.value?.high == 1004)
    #expect((estimate.p90 - 1800.1).magnitude < 1e-9)
    #expect((estimate.p99 - 1980.01).magnitude < 1e-9)
    #expect(estimate.minimum == 1)
    #expect((estimate.samples, estimate.blocks, estimate.runs) == (2000, 8, 1))
    #expect(estimate.outliers == 0)
    #expect(estimate.warnings == [.correlatedBlocks(lagOne: 0.625)])
  }

  @Test func `few blocks and few samples are warned about`() throws {
    let estimate = try Estimate(blocks: blocks([1, 1, 9]))
    #expect(estimate.median == 1)
    #expect(estimate.interval.reason == "a 95 % interval of the median needs 6 blocks, has 3")
    #expect(estimate.warnings == [.fewBlocks(3), .thinTail(samplesBeyondP99: 1)])
  }

  /// By hand: [9, 11] about 10 is 10 %.
  @Test func `a wide interval is warned about`() throws {
    let estimate = try Estimate(blocks: blocks([9, 11, 9, 11, 9, 11]))
    #expect(estimate.warnings.first == .wide(relativeHalfWidth: 0.1))
  }

  /// By hand: run r has block medians r - 1, r and r + 50, whose median is r.
  @Test func `six runs have an interval between them`() throws {
    let runs = try [14.0, 11, 16, 12, 15, 13].map { try blocks([$0 - 1, $0 + 50, $0]) }
    let estimate = try Estimate(runs: runs)
    #expect(estimate.scope == .betweenRuns)
    #expect(estimate.median == 13.5)
    #expect(estimate.interval.value?.low == 11)
    #expect(estimate.interval.value?.high == 16)
    #expect((estimate.samples, estimate.blocks, estimate.runs) == (18, 18, 6))
    #expect(!estimate.warnings.contains { if case .fewRuns = $0 { true } else { false } })
  }

  @Test(arguments: 2...5)
  func `two to five runs have a median between them but no interval`(count: Int) throws {
    let runs = try (1...count).map { run in
      try blocks([Double](repeating: Double(run), count: 8))
    }
    let estimate = try Estimate(runs: runs)
    #expect(estimate.scope == .betweenRuns)
    #expect(estimate.median == Double(count + 1) / 2)
    #expect(
      estimate.interval.reason == "a 95 % interval of the median needs 6 runs, has \(count)")
    #expect(estimate.warnings.first == .fewRuns(count))
  }

  @Test func `nothing measured has no estimate`() throws {
    #expect(throws: SampleFault.empty) { try Estimate(blocks: []) }
    #expect(throws: SampleFault.empty) { try Estimate(runs: []) }
    let one = try blocks([1])
    #expect(throws: SampleFault.empty) { try Estimate(runs: [one, []]) }
  }

  @Test(arguments: [
    (Warning.fewBlocks(3), "few blocks: 3, and an interval needs 6"),
    (.fewRuns(2), "few runs: 2, and an interval between runs needs 6"),
    (
      .correlatedBlocks(lagOne: 0.456),
      "blocks are correlated (lag 1: 0.46): the interval is too narrow"
    ),
    (.wide(relativeHalfWidth: 0.123), "wide: the median is known to ± 12.3 %"),
    (.thinTail(samplesBeyondP99: 4), "p99 rests on 4 samples beyond it, and is rough under 10"),
  ])
  func `a warning is a sentence`(warning: Warning, sentence: String) {
    #expect("\(warning)" == sentence)
  }
}
