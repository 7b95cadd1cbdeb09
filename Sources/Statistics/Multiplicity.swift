/// What many tests at once do to what each of them may say.
package enum Multiplicity {
  /// Each probability raised so that, over all of them, any false alarm stays as likely as one had
  /// been: the smallest times their number, the next times one less, and none under its forerunner.
  ///
  /// - Source: Holm, "A simple sequentially rejective multiple test procedure" (1979).
  package static func holm(_ probabilities: [Double]) -> [Double] {
    var adjusted = probabilities
    var least = 0.0
    let order = probabilities.indices.sorted { probabilities[$0] < probabilities[$1] }
    for (place, index) in order.enumerated() {
      least = max(least, min(1, probabilities[index] * Double(order.count - place)))
      adjusted[index] = least
    }
    return adjusted
  }

  /// Each raised so that, of what is called real, on average no larger share is false than that.
  ///
  /// - Source: Benjamini and Hochberg, "Controlling the false discovery rate" (1995).
  package static func benjaminiHochberg(_ probabilities: [Double]) -> [Double] {
    var adjusted = probabilities
    var smallest = 1.0
    let order = probabilities.indices.sorted { probabilities[$0] > probabilities[$1] }
    for (place, index) in order.enumerated() {
      let rank = order.count - place
      smallest = min(smallest, probabilities[index] * Double(order.count) / Double(rank))
      adjusted[index] = smallest
    }
    return adjusted
  }
}
