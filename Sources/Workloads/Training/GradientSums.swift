/// Sums of one row of gradients in fp64, with the magnitudes of their terms, and what these may be off by.
struct GradientSums {
  private(set) var values: [Double]
  private(set) var magnitudes: [Double]
  private(set) var allowances: [Double]

  init(columns: Int) {
    values = Array(repeating: 0, count: columns)
    (magnitudes, allowances) = (values, values)
  }

  /// Adds numbers times a factor.
  ///
  /// - Parameters:
  ///   - size: the magnitude of the terms that the factor is made of.
  ///   - error: how far the factor may be off.
  mutating func add(_ factor: Double, size: Double, error: Double, _ numbers: [Double]) {
    for (column, number) in numbers.enumerated() {
      values[column] += factor * number
      magnitudes[column] += size * abs(number)
      allowances[column] += error * abs(number)
    }
  }
}
