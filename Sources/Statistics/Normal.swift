import RealModule

/// The standard normal distribution.
package enum Normal {
  /// The z beyond which a share of it lies: 1.96 for 0.025.
  ///
  /// - Error: bisected to 1e-14 of `erfc`; shares under 1e-300 are taken for that.
  package static func quantile(beyond share: Double) -> Double {
    precondition(share > 0 && share < 1, "a tail is a share between 0 and 1")
    if share > 0.5 { return -quantile(beyond: 1 - share) }
    var (low, high) = (0.0, 40.0)
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if .erfc(middle / .sqrt(2)) / 2 > max(share, 1e-300) { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}
