import Statistics
import Testing

@Suite struct PairedRatioTests {
  /// NumPy: a / b sorted is 1.75, 1.818…, 1.904…, 2.1, 2.111…, 2.117…, 2.125, 2.2; its median is
  /// 2.10555…; of 8 values the interval is all of them.
  @Test func `the ratio is the median over rounds, not the ratio of medians`() throws {
    let a = [2.1, 4.0, 3.3, 2.8, 5.1, 2.0, 1.9, 3.6]
    let b = [1.0, 2.1, 1.5, 1.6, 2.4, 1.1, 0.9, 1.7]
    let ratio = try PairedRatio(rounds: Array(zip(a, b)))
    #expect((ratio.median - 2.1055555555555556).magnitude < 1e-14)
    let interval = try #require(ratio.interval.value)
    #expect((interval.low - 1.75).magnitude < 1e-14)
    #expect((interval.high - 2.2).magnitude < 1e-14)
  }

  @Test func `drift that both share cancels`() throws {
    let ratio = try PairedRatio(rounds: (1...10).map { (a: 3 * Double($0), b: Double($0)) })
    #expect(ratio.median == 3)
    #expect(ratio.interval.value?.relativeHalfWidth == 0)
  }

  @Test func `few rounds have a ratio and no interval`() throws {
    let ratio = try PairedRatio(rounds: [(4, 2), (4, 2)])
    #expect(ratio.median == 2)
    #expect(ratio.interval.reason == "a 95 % interval of the median needs 6 rounds, has 2")
  }

  @Test func `a round that took no time is named`() {
    #expect(throws: SampleFault.infinite(index: 1)) {
      try PairedRatio(rounds: [(4, 2), (4, 0)])
    }
  }
}

@Suite struct ProbeDriftTests {
  @Test func `the spread is from the first to the last decile`() throws {
    // numpy.quantile([10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20], [0.1, 0.9]) is [11, 19].
    let drift = ProbeDrift(probes: try Sample((10...20).map(Double.init)))
    #expect(drift.spread == 8.0 / 15)
    #expect(drift.moved)
  }

  @Test func `one probe that an interrupt fell into does not move the machine`() throws {
    let probes = [Double](repeating: 100, count: 20) + [50]
    #expect(!ProbeDrift(probes: try Sample(probes)).moved)
  }

  @Test(arguments: [(0.5, true), (0.6, false)])
  func `the bound is the caller's`(bound: Double, moved: Bool) throws {
    let drift = ProbeDrift(probes: try Sample((10...20).map(Double.init)), bound: bound)
    #expect(drift.moved == moved)
  }

  @Test func `one probe has not moved`() throws {
    #expect(ProbeDrift(probes: try Sample([5])).spread == 0)
  }
}
