/// A median and the exact interval that holds the true one, whatever the distribution.
///
/// It is bounded by order statistics, so it assumes nothing but that the values are independent.
package struct MedianInterval: Hashable, Sendable {
  /// The least coverage that was asked.
  package let level: Double
  /// The coverage that the order statistics have: at least `level`, because ranks are whole.
  package let coverage: Double
  package let low: Double
  package let median: Double
  package let high: Double

  /// Half of the interval's width as a share of the median.
  package var relativeHalfWidth: Double { share(of: (high - low) / 2, in: median) }
}

/// A median's interval, or the reason why there is none.
package enum Interval: Hashable, Sendable {
  case available(MedianInterval)
  case unavailable(reason: String)

  /// 95 %: under 6 values have no interval.
  package static let usualLevel = 0.95

  /// - Parameter noun: what the values are, for the reason.
  package init(
    ofMedianOf sample: Sample, level: Double = usualLevel, counting noun: String = "values"
  ) {
    guard let bounds = MedianRank(count: sample.count, level: level) else {
      let fewest = MedianRank.fewest(level: level)
      self = .unavailable(
        reason: "a \(percent(level)) interval of the median needs \(fewest) \(noun), "
          + "has \(sample.count)")
      return
    }
    self = .available(
      MedianInterval(
        level: level,
        coverage: bounds.coverage,
        low: sample.sorted[bounds.rank - 1],
        median: sample.median,
        high: sample.sorted[sample.count - bounds.rank]))
  }

  package var value: MedianInterval? {
    if case .available(let interval) = self { interval } else { nil }
  }

  package var reason: String? {
    if case .unavailable(let reason) = self { reason } else { nil }
  }
}
