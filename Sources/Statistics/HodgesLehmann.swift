/// The shift that ranks agree on: for display beside a median, never for a verdict, because on
/// heavy tails its interval is two to six times as wide as the median's.
///
/// - Source: Hodges and Lehmann, "Estimates of location based on rank tests" (1963).
package enum HodgesLehmann {
  /// The median of all pairs' means, each value paired with itself, too.
  package static func center(of sample: Sample) -> Double {
    let values = sample.sorted
    var means: [Double] = []
    means.reserveCapacity(values.count * (values.count + 1) / 2)
    for (index, value) in values.enumerated() {
      for other in values[index...] { means.append((value + other) / 2) }
    }
    return Sample(finite: means).median
  }
}
