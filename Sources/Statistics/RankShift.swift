import RealModule

/// How far one sample lies above another, by ranks: no distribution is assumed but that the two
/// differ by a shift alone.
///
///     center = median of all y − x;   interval = [d(k), d(nm + 1 − k)]
///
/// - Error: exact up to `exactPairs` pairs, by the distribution of Mann and Whitney's U; beyond, U is
///   taken as normal with a correction for continuity. Ties only make the interval wider.
/// - Source: Hodges and Lehmann, "Estimates of location based on rank tests" (1963); Hollander, Wolfe
///   and Chicken, "Nonparametric Statistical Methods" (2014), sections 4.2 and 4.3.
package struct RankShift: Hashable, Sendable {
  /// Of two halves of fifty.
  static let exactPairs = 2500

  /// Median of all differences.
  package let center: Double
  /// All differences of pairs, in rising order.
  private let differences: [Double]
  /// P(U ≤ u) for each u; empty where the normal distribution stands in.
  private let cumulative: [Double]
  private let counts: (base: Int, head: Int)

  package init(from base: Sample, to head: Sample) {
    differences = head.values.flatMap { y in base.values.map { y - $0 } }.sorted()
    center = Sample(finite: differences).median
    counts = (base.count, head.count)
    cumulative =
      differences.count <= Self.exactPairs ? Self.cumulative(base.count, head.count) : []
  }

  /// The interval that holds the shift with a probability of at least 1 − `risk`; nothing where so
  /// few values have none.
  package func interval(risk: Double) -> (low: Double, high: Double)? {
    let rank = rank(risk: risk)
    guard rank > 0 else { return nil }
    return (differences[rank - 1], differences[differences.count - rank])
  }

  /// The least risk at which there is an interval: two orders of all, in a case without luck.
  package static func leastRisk(_ base: Int, _ head: Int) -> Double {
    // 2 / C(n + m, n)
    var risk = 2.0
    for index in 0..<head { risk *= Double(index + 1) / Double(base + index + 1) }
    return risk
  }

  /// The largest k with P(U ≤ k − 1) ≤ risk / 2.
  private func rank(risk: Double) -> Int {
    let pairs = Double(differences.count)
    guard cumulative.isEmpty else {
      // The slack lets a level that is met to the digit count as met.
      let allowed = risk / 2 * (1 + 1e-11)
      return cumulative.firstIndex { $0 > allowed } ?? 0
    }
    let deviation = Double.sqrt(pairs * Double(counts.base + counts.head + 1) / 12)
    let least = pairs / 2 - 0.5 - Normal.quantile(beyond: risk / 2) * deviation
    return max(0, Int(least) + (least > 0 ? 1 : 0))
  }

  /// P(U ≤ u), u up to half of all pairs, by
  /// p(u; n, m) = n / (n + m) · p(u − m; n − 1, m) + m / (n + m) · p(u; n, m − 1).
  private static func cumulative(_ n: Int, _ m: Int) -> [Double] {
    let maximum = n * m / 2
    // Row by row of n; a column for each m.
    var rows: [[Double]] = Array(repeating: [1] + Array(repeating: 0, count: maximum), count: m + 1)
    for first in 1...n {
      var next: [[Double]] = [[1] + Array(repeating: 0, count: maximum)]
      for second in 1...m {
        let share = Double(first) / Double(first + second)
        var row = next[second - 1].map { $0 * (1 - share) }
        if second <= maximum {
          for u in second...maximum { row[u] += share * rows[second][u - second] }
        }
        next.append(row)
      }
      rows = next
    }
    var sum = 0.0
    return rows[m].map { probability in
      sum += probability
      return sum
    }
  }
}

extension RankShift {
  package static func == (one: RankShift, other: RankShift) -> Bool {
    one.differences == other.differences && one.counts == other.counts
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(differences) }
}
