import Statistics
import Testing

@Suite struct SampleTests {
  static let untidy = [3.1, 1.2, 9.7, 2.2, 4.4, 5.0, 1.9, 30.0, -20.5, 2.8, 3.3]

  /// numpy.quantile(untidy, q), NumPy's default method "linear".
  @Test(arguments: [
    (0, -20.5), (0.1, 1.2), (0.25, 2.05), (0.5, 3.1), (0.75, 4.7), (0.9, 9.7),
    (0.99, 27.970000000000006), (1, 30.0),
  ])
  func `quantiles agree with NumPy`(q: Double, expected: Double) throws {
    let found = try Sample(Self.untidy).quantile(q)
    #expect((found - expected).magnitude <= 1e-14 * expected.magnitude)
  }

  @Test func `a sample keeps the order of arrival beside the sorted one`() throws {
    let sample = try Sample([3, 1, 2])
    #expect(sample.values == [3, 1, 2])
    #expect(sample.sorted == [1, 2, 3])
    #expect((sample.count, sample.minimum, sample.median, sample.maximum) == (3, 1, 2, 3))
  }

  @Test func `every quantile of one value is that value`() throws {
    let sample = try Sample([7])
    #expect([0, 0.3, 1].map(sample.quantile) == [7, 7, 7])
    #expect(sample.outliers.count == 0)
  }

  /// By hand: quartiles 2.05 and 4.7, so that the fences are -1.925 and 8.675.
  @Test func `outliers are reported where they stand and stay in the sample`() throws {
    let sample = try Sample(Self.untidy)
    #expect(sample.outliers.indices == [2, 7, 8])
    #expect(sample.count == Self.untidy.count)
  }

  @Test(arguments: [
    ([], SampleFault.empty),
    ([1, .nan, .infinity], .notANumber(index: 1)),
    ([1, 2, -Double.infinity], .infinite(index: 2)),
  ])
  func `what is not finite is refused with its index`(values: [Double], fault: SampleFault) {
    #expect(throws: fault) { try Sample(values) }
  }

  /// By hand: 0.99 · 99 = 98.01, so that of ranks 0...99 only 99 lies beyond.
  @Test(arguments: [(1, 0), (100, 1), (900, 9), (902, 10), (2000, 20)])
  func `samples beyond p99 are counted by rank`(count: Int, beyond: Int) throws {
    #expect(try Sample((1...count).map(Double.init)).count(beyond: 0.99) == beyond)
  }
}
