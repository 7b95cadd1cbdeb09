import RealModule

/// Where a series of values changed its level, and how likely chance alone makes a split look as good.
///
/// The best of all splits is compared with the best splits of the same values in other orders, so that
/// having looked everywhere is paid for.
///
///     strength(i) = |mean rank after i − mean rank before i| · √(i · (n − i) / n)
///
/// - Error: orders are drawn from a seed until twenty of them looked as good, which makes a
///   probability good to a quarter of itself; none is told under 1 / (`maxOrders` + 1).
/// - Source: Besag and Clifford, "Sequential Monte Carlo p-values" (1991); Matteson and James, "A nonparametric approach for multiple change point analysis" (2014)
///   for searching and permuting; Pettitt, "A non-parametric approach to the change-point problem"
///   (1979) for ranks.
package struct ChangePoint: Hashable, Sendable {
  /// The first value of the new level.
  package let index: Int
  /// Of such a strength without any change.
  package let probability: Double
  /// Medians on both sides.
  package let before: Double
  package let after: Double

  /// Fewer on a side have no level.
  package static let fewest = 5
  /// Enough for a thousand series beside each other.
  static let maxOrders = 19_999

  /// The best split; nothing where a series is too short to have two levels.
  package init?(in values: [Double], seed: UInt64 = 1) {
    guard values.count >= 2 * Self.fewest,
      let best = Self.best(Self.ranks(values))
    else { return nil }
    var random = SplitMix64(seed: seed)
    var order = Self.ranks(values)
    var (drawn, asGood) = (0, 0)
    while drawn < Self.maxOrders, asGood < 20 {
      order = random.shuffled(order)
      drawn += 1
      // Ties of floating point must not count as weaker.
      if let other = Self.best(order), other.strength >= best.strength * (1 - 1e-12) { asGood += 1 }
    }
    probability =
      asGood == 20 ? Double(asGood) / Double(drawn) : Double(asGood + 1) / Double(drawn + 1)
    index = best.index
    before = Sample(finite: Array(values[..<best.index])).median
    after = Sample(finite: Array(values[best.index...])).median
  }

  private static func best(_ ranks: [Double]) -> (index: Int, strength: Double)? {
    let count = ranks.count
    let total = ranks.reduce(0, +)
    var sum = ranks[..<(fewest - 1)].reduce(0, +)
    var best: (index: Int, strength: Double)?
    for index in fewest...(count - fewest) {
      sum += ranks[index - 1]
      let (left, right) = (Double(index), Double(count - index))
      let strength =
        abs((total - sum) / right - sum / left) * .sqrt(left * right / Double(count))
      if strength > best?.strength ?? -1 { best = (index, strength) }
    }
    return best
  }

  /// Equal values share the mean of their places.
  private static func ranks(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    var start = 0
    while start < order.count {
      var end = start
      while end + 1 < order.count, values[order[end + 1]] == values[order[start]] { end += 1 }
      for place in start...end { ranks[order[place]] = Double(start + end) / 2 }
      start = end + 1
    }
    return ranks
  }
}
