import Statistics
import Testing

struct RankShiftTests {
  // Hollander and Wolfe, "Nonparametric Statistical Methods" (1973), page 69: permeability of
  // membranes. R's wilcox.test(x, y, conf.int = TRUE) gives 0.305 and [-0.15, 0.76].
  private let term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
  private let early = [1.15, 0.88, 0.90, 0.74, 1.21]

  /// The levels beside R's: scipy 1.17, `mannwhitneyu(method="exact")` inverted over all shifts.
  @Test(arguments: [(0.05, -0.15, 0.76), (0.01, -0.35, 1.01), (0.002, -0.42, 1.15)])
  func `the interval is that of the exact test inverted`(
    risk: Double, low: Double, high: Double
  ) throws {
    let shift = RankShift(from: try Sample(early), to: try Sample(term))
    let interval = try #require(shift.interval(risk: risk))
    #expect(abs(shift.center - 0.305) < 1e-12)
    #expect(abs(interval.low - low) < 1e-9)
    #expect(abs(interval.high - high) < 1e-9)
  }

  /// scipy 1.17, `mannwhitneyu(method="asymptotic")` inverted; by the exact one the ends differ in
  /// the fourth digit.
  @Test(arguments: [
    (0.05, -0.2039995735778208, 0.0307243560871234),
    (0.001, -0.2913286440612904, 0.10381848888203302),
  ])
  func `many values are taken as normal`(risk: Double, low: Double, high: Double) throws {
    let head = (1...60).map { index in
      let part = fraction(Double(index) * (5.0.squareRoot() - 1) / 2)
      return part * part + 0.1
    }
    let base = (1...55).map { fraction(Double($0) * 2.0.squareRoot()) }
    let shift = RankShift(from: try Sample(base), to: try Sample(head))
    let interval = try #require(shift.interval(risk: risk))
    #expect(abs(interval.low - low) < 1e-6)
    #expect(abs(interval.high - high) < 1e-6)
  }

  private func fraction(_ value: Double) -> Double { value - value.rounded(.down) }

  @Test func `ties make it wider, never narrower`() throws {
    let base = try Sample([1, 1, 1, 1, 1, 1])
    let shift = RankShift(from: base, to: try Sample([1, 1, 1, 1, 1, 2]))
    let interval = try #require(shift.interval(risk: 0.05))
    #expect(interval.low == 0)
    #expect(interval.high == 1)
  }

  @Test(arguments: [(3, 3, 0.1), (6, 6, 2.0 / 924), (7, 7, 2.0 / 3432), (8, 8, 2.0 / 12870)])
  func `the least risk is that of two orders among all`(base: Int, head: Int, risk: Double) throws {
    #expect(abs(RankShift.leastRisk(base, head) - risk) < 1e-15)
    let shift = RankShift(
      from: try Sample((0..<base).map(Double.init)), to: try Sample((0..<head).map(Double.init)))
    #expect(shift.interval(risk: risk) != nil)
    #expect(shift.interval(risk: risk * 0.99) == nil)
  }
}

struct NormalTests {
  /// scipy 1.17: `norm.isf`.
  @Test(arguments: [
    (0.025, 1.9599639845400545), (0.005, 2.575829303548901), (1e-6, 4.753424308822899),
    (0.9, -1.2815515655446004),
  ])
  func `quantiles are those of the normal distribution`(share: Double, z: Double) {
    #expect(abs(Normal.quantile(beyond: share) - z) < 1e-9)
  }
}

struct MultiplicityTests {
  @Test func `Holm's probabilities are those of the hand calculation`() {
    // 4 · 0.01, 3 · 0.03 = 0.09, max(2 · 0.04, 0.09), 0.5
    let adjusted = Multiplicity.holm([0.01, 0.04, 0.03, 0.5])
    #expect(zip(adjusted, [0.04, 0.09, 0.09, 0.5]).allSatisfy { abs($0 - $1) < 1e-12 })
  }

  @Test func `Benjamini and Hochberg's are scipy's`() {
    // scipy 1.17: false_discovery_control([0.01, 0.04, 0.03, 0.5])
    let adjusted = Multiplicity.benjaminiHochberg([0.01, 0.04, 0.03, 0.5])
    let expected = [0.04, 0.16 / 3, 0.16 / 3, 0.5]
    #expect(zip(adjusted, expected).allSatisfy { abs($0 - $1) < 1e-12 })
  }
}
