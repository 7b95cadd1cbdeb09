/// Why a list of numbers is not a sample.
package enum SampleFault: Error, Hashable, Sendable {
  case empty
  case notANumber(index: Int)
  case infinite(index: Int)
}

extension SampleFault: CustomStringConvertible {
  package var description: String {
    switch self {
    case .empty: "there are no values"
    case .notANumber(let index): "value \(index) is not a number"
    case .infinite(let index): "value \(index) is infinite"
    }
  }
}

/// Finite numbers, at least one, in order of arrival and sorted.
///
/// Nothing is refused later: every statistic of a sample exists. A block of measurements is one.
package struct Sample: Hashable, Sendable {
  /// In order of arrival.
  package let values: [Double]
  /// In rising order.
  package let sorted: [Double]

  /// - Throws: `SampleFault`, with the index of the first value that is not finite.
  package init(_ values: [Double]) throws(SampleFault) {
    if values.isEmpty { throw .empty }
    if let index = values.firstIndex(where: { !$0.isFinite }) {
      throw values[index].isNaN ? .notANumber(index: index) : .infinite(index: index)
    }
    self.init(finite: values)
  }

  /// All values of several samples, one sample after the other.
  package init(joining parts: some Sequence<Sample>) {
    self.init(finite: parts.flatMap(\.values))
  }

  /// Values that are known to be finite, as medians of samples are.
  package init(finite values: [Double]) {
    precondition(!values.isEmpty, "a sample needs at least one value")
    self.values = values
    sorted = values.sorted()
  }

  package var count: Int { sorted.count }
  package var minimum: Double { sorted[0] }
  package var maximum: Double { sorted[count - 1] }
  package var median: Double { quantile(0.5) }

  /// The value below which a share `q` of the sample lies, straight-line between neighbours.
  ///
  ///     h = (n − 1) · q;   x[⌊h⌋] + (h − ⌊h⌋) · (x[⌊h⌋ + 1] − x[⌊h⌋])
  ///
  /// - Source: Hyndman and Fan, "Sample Quantiles in Statistical Packages" (1996), type 7, which
  ///   is also the default of NumPy and R.
  package func quantile(_ q: Double) -> Double {
    precondition(q >= 0 && q <= 1, "a quantile is asked for a share between 0 and 1")
    let position = Double(count - 1) * q
    let below = Int(position)
    guard below + 1 < count else { return maximum }
    return sorted[below] + (position - Double(below)) * (sorted[below + 1] - sorted[below])
  }

  /// How many values lie beyond `quantile(q)` by rank, ties counted as if they were apart.
  package func count(beyond q: Double) -> Int {
    precondition(q >= 0 && q <= 1, "a quantile is asked for a share between 0 and 1")
    return count - 1 - Int(Double(count - 1) * q)
  }
}

/// Values far from the middle half of their sample: reported, never removed.
package struct Outliers: Hashable, Sendable {
  /// Where they stand in order of arrival.
  package let indices: [Int]
  package var count: Int { indices.count }
}

extension Sample {
  /// The values outside Tukey's fences, which lie 1.5 interquartile ranges beyond the quartiles.
  ///
  /// - Source: Tukey, "Exploratory Data Analysis" (1977), inner fences; quartiles are of type 7.
  package var outliers: Outliers {
    let lower = quantile(0.25)
    let upper = quantile(0.75)
    let reach = 1.5 * (upper - lower)
    let inside = (lower - reach)...(upper + reach)
    return Outliers(indices: values.indices.filter { !inside.contains(values[$0]) })
  }
}
