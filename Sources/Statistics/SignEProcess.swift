/// Evidence that successes are more frequent than failures, good at any time.
///
/// A bet against "each success has a probability of at most one half, whatever came before", with
/// the stake spread evenly over all probabilities from ½ to 1:
///
///     E(n, S) = 2 ∫ (2p)^S (2 − 2p)^(n−S) dp, from ½ to 1
///             = Σ C(n + 1, j) / ((n + 1) · C(n, S)), j = 0 … S
///
/// E is a supermartingale that begins at 1, so the probability that it *ever* reaches 1/a is at
/// most a (Ville's inequality): looking after every observation costs nothing.
///
/// - Error: all terms are positive; 1e-13 relative at 1000 observations.
/// - Source: Ramdas, Grünwald, Vovk and Shafer, "Game-theoretic statistics and safe anytime-valid
///   inference" (2023), section 3.
package enum SignEProcess {
  package static func evidence(successes: Int, of count: Int) -> Double {
    precondition((0...count).contains(successes), "successes are some of all")
    // C(n + 1, j) / C(n, S), from j = S down.
    var term = Double(count + 1) / Double(count + 1 - successes)
    var sum = 0.0
    for index in stride(from: successes, through: 0, by: -1) {
      sum += term
      term *= Double(index) / Double(count + 2 - index)
    }
    return sum / Double(count + 1)
  }

  /// The fewest successes of `count` whose evidence is at least `threshold`; none where even all
  /// of them fall short.
  package static func fewestSuccesses(of count: Int, reaching threshold: Double) -> Int? {
    (0...count).first { evidence(successes: $0, of: count) >= threshold }
  }

  /// The success rate at which evidence reaches `threshold` within `count` independent observations
  /// with a probability of `power`; none where even a rate of 1 does not.
  ///
  /// - Error: the probability is exact (every path is counted); the rate is bisected to 1e-9.
  package static func rate(reaching threshold: Double, within count: Int, power: Double) -> Double?
  {
    let fewest = (1...count).map { fewestSuccesses(of: $0, reaching: threshold) }
    guard fewest.contains(where: { $0 != nil }) else { return nil }
    var (low, high) = (0.0, 1.0)
    for _ in 0..<30 {
      let middle = (low + high) / 2
      if probability(of: middle, passing: fewest) < power { low = middle } else { high = middle }
    }
    return high
  }

  /// The probability that the successes reach `fewest` at any of the counts 1, 2, ….
  private static func probability(of rate: Double, passing fewest: [Int?]) -> Double {
    // Of the paths that have not passed, the probability of each number of successes.
    var open = [1.0]
    var passed = 0.0
    for bound in fewest {
      var next = [Double](repeating: 0, count: open.count + 1)
      for (successes, probability) in open.enumerated() {
        next[successes] += probability * (1 - rate)
        next[successes + 1] += probability * rate
      }
      if let bound, bound < next.count {
        passed += next[bound...].reduce(0, +)
        for successes in bound..<next.count { next[successes] = 0 }
      }
      open = next
    }
    return passed
  }
}
