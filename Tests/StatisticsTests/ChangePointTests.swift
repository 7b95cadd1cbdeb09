import Statistics
import Testing

struct ChangePointTests {
  @Test func `a step is found where it is, and chance hardly makes one`() throws {
    let values = (0..<30).map { Double($0 < 17 ? 0 : 10) + Double($0 * 7 % 5) }
    let point = try #require(ChangePoint(in: values))
    #expect(point.index == 17)
    #expect(point.before == 2)
    #expect(point.after == 12)
    // None of C(30, 13) orders but this and its mirror is as good.
    #expect(point.probability == 1.0 / 20_000)
  }

  @Test func `values without a step are seldom called one`() throws {
    var random = SplitMix64(seed: 3)
    let probabilities = (0..<400).compactMap { index in
      ChangePoint(
        in: (0..<20).map { _ in Double(random.next() >> 11) }, seed: UInt64(index))?.probability
    }
    #expect(probabilities.count == 400)
    // Binomial: 20 are expected, and more than 36 have a probability of 0.0005.
    #expect(probabilities.count { $0 <= 0.05 } <= 36)
    #expect(probabilities.count { $0 <= 0.5 } >= 150)
  }

  @Test func `equal values have no step`() throws {
    #expect(try #require(ChangePoint(in: Array(repeating: 1, count: 20))).probability == 1)
  }

  @Test func `nine values are too few`() {
    #expect(ChangePoint(in: [1, 1, 1, 1, 2, 2, 2, 2, 2]) == nil)
  }
}
