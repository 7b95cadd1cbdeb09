import Statistics
import Testing

@Suite struct MedianIntervalTests {
  /// The median of 1...n with its interval: x(k) is k, so that the rank can be read off `low`.
  private func interval(count: Int, level: Double = 0.95) throws -> Interval {
    Interval(ofMedianOf: try Sample((1...count).map(Double.init)), level: level)
  }

  /// scipy.stats.binom.cdf(k - 1, n, 0.5): the largest k with at most 0.025, and 1 - 2 · cdf.
  @Test(arguments: [
    (6, 1, 0.96875), (7, 1, 0.984375), (8, 1, 0.9921875), (9, 2, 0.9609375),
    (10, 2, 0.978515625), (11, 2, 0.98828125), (12, 3, 0.96142578125), (15, 4, 0.96484375),
    (16, 4, 0.978729248046875), (20, 6, 0.9586105346679688), (25, 8, 0.9567147493362427),
    (30, 10, 0.9572260547429323), (32, 10, 0.9799383929930627), (40, 14, 0.9615226917157997),
    (50, 18, 0.9671608624357315), (60, 22, 0.972659866131922), (64, 24, 0.9672342409011768),
    (100, 40, 0.9647997997822951), (128, 53, 0.9583617161604975),
    (1000, 469, 0.9537088026395019), (1001, 470, 0.9500154764972456),
    (10_000, 4902, 0.9511670501036188), (1_000_000, 499_020, 0.9501210313476314),
  ])
  func `rank and coverage agree with SciPy`(count: Int, rank: Int, coverage: Double) throws {
    let found = try #require(try interval(count: count).value)
    #expect(found.low == Double(rank))
    #expect(found.high == Double(count + 1 - rank))
    #expect(found.median == Double(count + 1) / 2)
    #expect((found.coverage - coverage).magnitude < 1e-12)
    #expect(found.level == 0.95)
  }

  /// scipy.stats.binom, as above with 0.005.
  @Test(arguments: [(8, 1), (9, 1), (20, 4), (100, 37)])
  func `a higher level takes ranks further out`(count: Int, rank: Int) throws {
    #expect(try interval(count: count, level: 0.99).value?.low == Double(rank))
  }

  /// 2 · 2⁻⁶ = 1 − 0.96875, and 2 · 2⁻⁵ = 1 − 0.9375: met to the digit.
  @Test(arguments: [(6, 0.96875), (5, 0.9375)])
  func `a level that is met to the digit is met`(count: Int, level: Double) throws {
    let found = try #require(try interval(count: count, level: level).value)
    #expect(found.low == 1)
    #expect(found.coverage == level)
  }

  @Test(arguments: 1...5)
  func `under six values there is no interval`(count: Int) throws {
    let found = try interval(count: count)
    #expect(found.value == nil)
    #expect(found.reason == "a 95 % interval of the median needs 6 values, has \(count)")
  }

  /// 2 · 2⁻⁷ is above 0.01 and 2 · 2⁻⁸ is not.
  @Test func `the reason follows the level`() throws {
    let found = try interval(count: 7, level: 0.99)
    #expect(found.reason == "a 99 % interval of the median needs 8 values, has 7")
  }

  /// By hand: (103 − 97) / 2 / 100.
  @Test func `the half width is relative to the median`() throws {
    let sample = try Sample([98, 103, 99, 101, 100, 102, 97])
    let found = try #require(Interval(ofMedianOf: sample).value)
    #expect(found.relativeHalfWidth == 0.03)
  }

  @Test func `a width around a median of zero is infinite, and no width is none`() throws {
    let around = try Sample([-3, -2, -1, 0, 1, 2, 3])
    #expect(Interval(ofMedianOf: around).value?.relativeHalfWidth == .infinity)
    let nothing = try Sample([0, 0, 0, 0, 0, 0])
    #expect(Interval(ofMedianOf: nothing).value?.relativeHalfWidth == 0)
  }
}
