import RealModule

/// A probability and the interval that holds it, from successes of independent trials.
///
/// The ends are the probabilities at which so many successes or more, so many or fewer, have half of
/// what the level leaves: coverage is never less than the level, at any probability.
///
/// - Error: bisected to 1e-12; tails are summed term by term.
/// - Source: Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case
///   of the binomial" (1934).
package struct BinomialInterval: Hashable, Sendable {
  package let successes: Int
  package let trials: Int
  package let low: Double
  package let high: Double

  package var rate: Double { Double(successes) / Double(trials) }

  package init(successes: Int, of trials: Int, level: Double = Interval.usualLevel) {
    precondition(trials > 0 && (0...trials).contains(successes), "successes are some of trials")
    self.successes = successes
    self.trials = trials
    let tail = (1 - level) / 2
    low =
      successes == 0
      ? 0 : Self.bisect { Self.atMost(trials - successes, of: trials, at: 1 - $0) < tail }
    high =
      successes == trials
      ? 1 : Self.bisect { Self.atMost(successes, of: trials, at: $0) > tail }
  }

  /// The end of the stretch from 0 on that `holds`.
  private static func bisect(_ holds: (Double) -> Bool) -> Double {
    var (low, high) = (0.0, 1.0)
    for _ in 0..<45 {
      let middle = (low + high) / 2
      if holds(middle) { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }

  /// P(X ≤ k) of Bin(n, p).
  static func atMost(_ k: Int, of n: Int, at p: Double) -> Double {
    guard p > 0 else { return 1 }
    guard p < 1 else { return k >= n ? 1 : 0 }
    let odds = Double.log(p) - Double.log(onePlus: -p)
    var logarithm = Double(n) * Double.log(onePlus: -p)
    var sum = 0.0
    for index in 0...k {
      sum += Double.exp(logarithm)
      logarithm += Double.log(Double(n - index) / Double(index + 1)) + odds
    }
    return min(1, sum)
  }
}
