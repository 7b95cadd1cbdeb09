import Glibc

/// By how much each pair of a head is rotated from one position to the next.
package struct RotaryAngles: Hashable, Sendable {
  /// In radians a position, for pairs 0 … head-dim / 2 − 1: `inv_freq` in published code.
  package let frequencies: [Double]
  /// What cosines and sines are multiplied by: YaRN's attention factor; 1 for other scalings.
  package let attentionFactor: Double

  /// Pair i has the frequency base^(−2 i / head-dim), as in RoFormer, before it is scaled.
  ///
  /// - Parameter headDim: even.
  package init(headDim: Int, base: Int, scaling: RotaryScaling) {
    let count = Double(headDim)
    func frequencies(_ base: Double) -> [Double] {
      (0..<headDim / 2).map { pow(base, -2 * Double($0) / count) }
    }
    let plain = frequencies(Double(base))
    switch scaling {
    case .none: (self.frequencies, attentionFactor) = (plain, 1)
    case .linear(let factor):
      (self.frequencies, attentionFactor) = (plain.map { $0 / Double(factor) }, 1)
    case .ntk(let factor):
      let grown = Double(base) * pow(Double(factor), count / max(1, count - 2))
      (self.frequencies, attentionFactor) = (frequencies(grown), 1)
    case .yarn(let factor):
      // Evenly by the pair's number, between those that rotate 32 times and once within 4096 positions.
      func pair(rotations: Double) -> Double {
        count * log(4096 / (rotations * 2 * .pi)) / (2 * log(Double(base)))
      }
      let (first, last) = (
        max(0, floor(pair(rotations: 32))), min(count - 1, ceil(pair(rotations: 1)))
      )
      self.frequencies = Self.between(plain, factor) { index, _ in
        1 - (Double(index) - first) / max(0.001, last - first)
      }
      attentionFactor = factor > 1 ? 0.1 * log(Double(factor)) + 1 : 1
    case .llama3(let factor):
      // By how often a pair rotates within 8192 positions: from once to four times.
      self.frequencies = Self.between(plain, factor) { _, frequency in
        (8192 * frequency / (2 * .pi) - 1) / (4 - 1)
      }
      attentionFactor = 1
    }
  }

  /// Between a frequency and its `factor`-th part, by how much of it is kept.
  private static func between(
    _ frequencies: [Double], _ factor: Int, kept: (_ index: Int, _ frequency: Double) -> Double
  ) -> [Double] {
    frequencies.enumerated().map { index, frequency in
      let share = min(1, max(0, kept(index, frequency)))
      return frequency * share + frequency / Double(factor) * (1 - share)
    }
  }

  /// Cosines and then sines of a position's pairs.
  package func cosinesAndSines(at position: Int) -> (cosines: [Double], sines: [Double]) {
    let angles = frequencies.map { $0 * Double(position) }
    return (angles.map { cos($0) * attentionFactor }, angles.map { sin($0) * attentionFactor })
  }

  /// One head's numbers rotated, in fp64: as many as the head dimension that these angles are of.
  package func rotated(_ numbers: [Double], layout: RotaryLayout, position: Int) -> [Double] {
    guard layout != .none else { return numbers }
    let (cosines, sines) = cosinesAndSines(at: position)
    var result = numbers
    for pair in frequencies.indices {
      let (one, other) = layout.places(of: pair, headDim: numbers.count)
      result[one] = numbers[one] * cosines[pair] - numbers[other] * sines[pair]
      result[other] = numbers[one] * sines[pair] + numbers[other] * cosines[pair]
    }
    return result
  }
}

extension RotaryLayout {
  /// The two numbers of a head that make a pair.
  package func places(of pair: Int, headDim: Int) -> (Int, Int) {
    Self.places(of: pair, pairs: headDim / 2, areApart: self == .neox)
  }

  static func places(of pair: Int, pairs: Int, areApart: Bool) -> (Int, Int) {
    areApart ? (pair, pair + pairs) : (2 * pair, 2 * pair + 1)
  }
}
