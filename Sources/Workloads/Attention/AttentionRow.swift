import Glibc

/// A row of attention in fp64: values weighted by the exponentials of their scores.
struct AttentionRow {
  private(set) var values: [Double]
  /// The sums of the terms' magnitudes, divided likewise.
  private(set) var magnitudes: [Double]
  /// What the weights add up to, the largest being 1.
  private(set) var total = 0.0
  /// The largest magnitude among the values that were weighted.
  private(set) var farthest = 0.0

  /// - Parameters:
  ///   - scores: of the keys that the query sees.
  ///   - value: the value, `headDim` long, of the key at a place among them.
  init(headDim: Int, scores: [Double], value: (Int) -> [Double]) {
    values = Array(repeating: 0, count: headDim)
    magnitudes = values
    let largest = scores.max() ?? 0
    for (place, score) in scores.enumerated() {
      let weight = exp(score - largest)
      total += weight
      for (column, number) in value(place).enumerated() {
        values[column] += weight * number
        magnitudes[column] += weight * abs(number)
        farthest = max(farthest, abs(number))
      }
    }
    for column in values.indices {
      values[column] /= total
      magnitudes[column] /= total
    }
  }
}
