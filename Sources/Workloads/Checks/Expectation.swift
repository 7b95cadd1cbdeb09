import Kernels

/// Which results of an output are compared: a grid of rows and columns.
///
/// Outputs are seen as rows × columns, the last dimension being the columns.
package struct OutputSample: Hashable, Sendable {
  package let rows: [Int]
  package let columns: [Int]
  /// How it was drawn, for the record: `all 4096` or `64 of 512 rows × 128 of 4096 columns`.
  package let label: String

  /// What the results that are drawn may cost the reference together.
  package static let flopBudget = 1 << 27

  package var count: Int { rows.count * columns.count }

  /// All results where they cost at most `flopBudget` to compute plainly, else a seeded grid that
  /// holds the first and last rows and columns, so that no tile's edge is left out.
  ///
  /// - Parameter flopsPerResult: what one result costs the reference.
  package init(
    rows: Int, columns: Int, flopsPerResult: Int, flopBudget: Int = flopBudget,
    countBudget: Int = 1 << 16, seed: UInt64
  ) {
    let affordable = max(16, min(countBudget, flopBudget / max(1, flopsPerResult)))
    guard rows * columns > affordable else {
      self.rows = Array(0..<rows)
      self.columns = Array(0..<columns)
      label = "all \(rows * columns)"
      return
    }
    // At most half of the square root's share for rows, so that a wide output gets wide samples.
    let rowCount = min(rows, max(1, Int(Double(affordable).squareRoot()) / 2))
    let columnCount = min(columns, max(2, affordable / rowCount))
    self.rows = OutputSample.draw(rowCount, of: rows, seed: seed)
    self.columns = OutputSample.draw(columnCount, of: columns, seed: seed &+ 1)
    label = "\(self.rows.count) of \(rows) rows × \(self.columns.count) of \(columns) columns"
  }

  /// All of some rows.
  init(rows: Range<Int>, columns: Int) {
    self.rows = Array(rows)
    self.columns = Array(0..<columns)
    label = "rows \(rows.lowerBound) to \(rows.upperBound - 1)"
  }

  /// One index from each of `count` equal strata, the first and the last index always among them.
  private static func draw(_ count: Int, of total: Int, seed: UInt64) -> [Int] {
    guard count < total else { return Array(0..<total) }
    guard count > 1 else { return [total - 1] }
    var indices: [Int] = []
    for stratum in 0..<count {
      let from = stratum * total / count
      let to = (stratum + 1) * total / count
      let pick = Int(hash32(UInt32(truncatingIfNeeded: seed), UInt32(stratum))) % (to - from)
      indices.append(stratum == 0 ? 0 : stratum == count - 1 ? total - 1 : from + pick)
    }
    return indices
  }
}

/// What sampled results should be, row by row.
package struct Expectation: Sendable {
  package let values: [Double]
  /// The sum of the magnitudes of each result's terms: an error is relative to it, since
  /// rounding errors are (a result near 0 by cancellation has no small error of its own).
  package let magnitudes: [Double]
  /// How far each result may stray besides the tolerance: by what the variant rounds on purpose,
  /// such as activations to 8 bits. Empty where it rounds nothing.
  package let allowances: [Double]
  /// The root mean square error of these values against those of unrounded weights, relative to
  /// the latter's: what a weight format costs, whoever computes with it.
  package let formatError: Double?

  /// - Parameters:
  ///   - values: row after row of the sample, each its columns in order.
  ///   - magnitudes: one for each value.
  ///   - allowances: one for each value, or none at all.
  package init(
    values: [Double], magnitudes: [Double], allowances: [Double] = [], formatError: Double? = nil
  ) {
    self.values = values
    self.magnitudes = magnitudes
    self.allowances = allowances
    self.formatError = formatError
  }

  /// The error of a result relative to its terms' magnitudes, and how large it may be.
  package func judge(_ value: Double, at index: Int, _ tolerance: Tolerance) -> (
    error: Double, limit: Double
  ) {
    let limit = tolerance.relative
    guard value.isFinite else { return (.greatestFiniteMagnitude, limit) }
    let difference = abs(value - values[index])
    guard difference > 0 else { return (0, limit) }
    guard magnitudes[index] > 0 else { return (.greatestFiniteMagnitude, limit) }
    let allowance = allowances.isEmpty ? 0 : allowances[index] / magnitudes[index]
    return (difference / magnitudes[index], limit + allowance)
  }
}

/// How far a variant may stray, and why that far.
package struct Tolerance: Hashable, Sendable {
  /// Error divided by the sum of the terms' magnitudes.
  package let relative: Double
  /// The derivation, in a line.
  package let basis: String

  /// - Parameter basis: is shown beside the error, as `8 sqrt(4096) roundings of 2^-24`.
  package init(relative: Double, basis: String) {
    self.relative = relative
    self.basis = basis
  }

  /// Of a sum of `terms` products in fp32, whatever the order.
  ///
  /// With `roundings` random roundings on a result's path the error stays below `8·√roundings·u`
  /// of the terms' magnitudes with probability `1 − 2·exp(−32)` for each
  /// (Higham and Mary, "A New Approach to Probabilistic Rounding Error Analysis", 2019), and
  /// below `roundings·u` always; `u` is 2⁻²⁴.
  package static func sum(roundings: Int) -> Tolerance {
    let unit = 0x1p-24
    let worst = Double(roundings)
    let likely = 8 * Double(roundings).squareRoot()
    return worst <= likely
      ? Tolerance(relative: worst * unit, basis: "\(roundings) roundings of 2^-24 at the worst")
      : Tolerance(relative: likely * unit, basis: "8 sqrt(\(roundings)) roundings of 2^-24")
  }
}

/// The sum of products in fp64, and the sum of their magnitudes.
func dot(_ left: [Double], _ right: [Double]) -> (sum: Double, magnitude: Double) {
  var sum = SIMD4<Double>.zero
  var magnitude = SIMD4<Double>.zero
  let whole = left.count / 4 * 4
  for index in stride(from: 0, to: whole, by: 4) {
    let x = SIMD4(left[index], left[index + 1], left[index + 2], left[index + 3])
    let y = SIMD4(right[index], right[index + 1], right[index + 2], right[index + 3])
    let term = x * y
    sum += term
    magnitude += term.replacing(with: -term, where: term .< 0)
  }
  var (total, size) = (sum.sum(), magnitude.sum())
  for index in whole..<left.count {
    total += left[index] * right[index]
    size += abs(left[index] * right[index])
  }
  return (total, size)
}
