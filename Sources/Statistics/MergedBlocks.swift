/// How much a series remembers of itself.
package enum Autocorrelation {
  /// The correlation of each value with the next one.
  ///
  ///     r₁ = Σ (x[i] − x̄)(x[i + 1] − x̄) / Σ (x[i] − x̄)²
  ///
  /// It is 0 where the formula says nothing: under 3 values, or all of them equal. Independent
  /// values stray from 0 by 1/√n, so that a few correlated blocks are seen only when strongly so.
  ///
  /// - Source: Box, Jenkins and Reinsel, "Time Series Analysis" (1994), section 2.1.
  package static func lagOne(of values: [Double]) -> Double {
    guard values.count >= 3, values.contains(where: { $0 != values[0] }) else { return 0 }
    let mean = values.reduce(0, +) / Double(values.count)
    let deviations = values.map { $0 - mean }
    let products = zip(deviations, deviations.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 }
    return products / deviations.reduce(0) { $0 + $1 * $1 }
  }
}

/// Blocks joined until their medians are nearly independent, as an interval over them requires.
///
/// While the medians' lag-1 correlation is `bound` or more, and at least `fewest` blocks would be
/// left, adjacent pairs are joined; a trailing odd block joins the last pair. Under
/// 2 · `fewest` blocks nothing is joined, and `independent` says how it stands.
package struct MergedBlocks: Hashable, Sendable {
  /// Below it, blocks count as independent: a first-order process with 0.2 makes the true interval
  /// 22 % wider than the stated one, √((1 + 0.2) / (1 − 0.2)), and one with more makes it worse.
  package static let bound = 0.2
  /// The fewest values with a 95 % interval of their median.
  package static let fewest = 6

  /// The joined blocks, in order of arrival.
  package let blocks: [Sample]
  package let medians: [Double]
  /// How many of the given blocks went into each, but for the last, which may hold more.
  package let factor: Int
  /// The lag-1 correlation that is left.
  package let lagOne: Double

  package init(_ blocks: [Sample]) {
    var blocks = blocks
    var factor = 1
    var medians = blocks.map(\.median)
    var lagOne = Autocorrelation.lagOne(of: medians)
    while lagOne >= Self.bound, blocks.count / 2 >= Self.fewest {
      blocks = Self.joiningPairs(of: blocks)
      factor *= 2
      medians = blocks.map(\.median)
      lagOne = Autocorrelation.lagOne(of: medians)
    }
    self.blocks = blocks
    self.medians = medians
    self.factor = factor
    self.lagOne = lagOne
  }

  package var samplesPerBlock: [Int] { blocks.map(\.count) }
  package var independent: Bool { lagOne < Self.bound }
  package var warning: Warning? { independent ? nil : .correlatedBlocks(lagOne: lagOne) }

  private static func joiningPairs(of blocks: [Sample]) -> [Sample] {
    let pairs = blocks.count / 2
    return (0..<pairs).map { pair in
      let end = pair == pairs - 1 ? blocks.count : 2 * pair + 2
      return Sample(joining: blocks[(2 * pair)..<end])
    }
  }
}
