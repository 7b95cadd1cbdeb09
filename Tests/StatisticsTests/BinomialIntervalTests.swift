import Statistics
import Testing

struct BinomialIntervalTests {
  /// scipy 1.17: `binomtest(k, n).proportion_ci(0.95, "exact")`.
  @Test(arguments: [
    (0, 300, 0.0, 0.012221), (16, 1000, 0.009172, 0.025853), (297, 300, 0.971055, 0.997933),
    (5, 10, 0.187086, 0.812914), (10, 10, 0.691503, 1.0),
  ])
  func `the interval is Clopper and Pearson's`(
    successes: Int, trials: Int, low: Double, high: Double
  ) {
    let interval = BinomialInterval(successes: successes, of: trials)
    #expect(abs(interval.low - low) < 2e-6)
    #expect(abs(interval.high - high) < 2e-6)
  }

  @Test func `a tail of thousands of trials keeps its digits`() {
    // scipy 1.17: binomtest(9900, 40000).proportion_ci(0.95, "exact")
    let interval = BinomialInterval(successes: 9900, of: 40_000)
    #expect(abs(interval.low - 0.243277) < 1e-6)
    #expect(abs(interval.high - 0.251760) < 1e-6)
  }
}
