/// Looks for the scale, and the minimum, with which few levels come nearest to weights.
///
/// Least squares give the best line through codes that are given, rounding the best codes for a
/// line; each candidate stretches the range a little so that outer weights may be clipped to the
/// gain of the others, and is then fitted.
struct ScaleSearch {
  let weights: UnsafePointer<Float>
  /// A multiple of 8.
  let count: Int
  /// The codes tried last, as whole numbers.
  private let codes: UnsafeMutablePointer<Float>

  /// A line from codes 0 … top to weights, its start not above 0.
  struct Line {
    var scale: Float
    var low: Float
  }

  /// - Parameter scratch: room for `count` codes.
  @inline(__always)
  init(
    _ weights: UnsafePointer<Float>, count: Int, scratch: UnsafeMutablePointer<Float>
  ) {
    self.weights = weights
    self.count = count
    codes = scratch
  }

  func line(top: Float) -> Line {
    let extremes = BlockExtremes(weights, count: count)
    let least = min(extremes.least, 0)
    let range = extremes.greatest - least
    // A range that has no inverse in fp32 is none.
    guard (top / range).isFinite, range > 0 else { return Line(scale: 0, low: least) }
    let total = Float(count)
    let sum = sum { weights[$0] }
    var best = Line(scale: range / top, low: least)
    var bestError = error(best, top: top)
    for trial in -10...10 {
      round(factor: (top + 0.1 * Float(trial)) / range, low: least, from: 0, to: top)
      for _ in 0..<2 {
        let fit = fit
        let determinant = total * fit.squares - fit.codes * fit.codes
        guard determinant > 0 else { break }
        var line = Line(
          scale: (total * fit.products - sum * fit.codes) / determinant,
          low: (fit.squares * sum - fit.codes * fit.products) / determinant)
        if line.low > 0 { line = Line(scale: fit.products / fit.squares, low: 0) }
        guard line.scale > 0 else { break }
        let error = error(line, top: top)
        if error < bestError { (best, bestError) = (line, error) }
      }
    }
    return best
  }

  /// A scale of either sign for codes from … to, 0 standing for 0.
  func scale(from: Float, to: Float) -> Float {
    let largest = BlockExtremes(weights, count: count).largest
    guard (from / largest).isFinite, largest != 0 else { return 0 }
    var best: Float = 0
    var bestGain: Float = 0
    // The outermost weight at either end of the codes, or somewhat beyond.
    for end in [from, to] {
      for trial in -9...9 {
        round(factor: (end + 0.1 * Float(trial)) / largest, low: 0, from: from, to: to)
        for _ in 0..<2 {
          let fit = fit
          guard fit.squares > 0, fit.products != 0 else { break }
          // The squared error is Σ w² − products² / squares.
          let scale = fit.products / fit.squares
          let gain = fit.products * scale
          if gain > bestGain { (best, bestGain) = (scale, gain) }
          round(factor: inverse(scale), low: 0, from: from, to: to)
        }
      }
    }
    return best
  }

  /// The squared error of the best codes for a line, which are then in `code`.
  @inline(__always)
  func error(_ line: Line, top: Float) -> Float {
    round(factor: inverse(line.scale), low: line.low, from: 0, to: top)
    return squares(line)
  }

  /// The squared error of the best codes for a scale, which are then in `code`.
  @inline(__always)
  func error(scale: Float, from: Float, to: Float) -> Float {
    round(factor: inverse(scale), low: 0, from: from, to: to)
    return squares(Line(scale: scale, low: 0))
  }

  @inline(__always)
  func code(_ index: Int) -> Int { Int(codes[index]) }

  /// Codes to whole numbers, ties to even, kept within bounds.
  @inline(__always)
  private func round(factor: Float, low: Float, from: Float, to: Float) {
    for index in 0..<count {
      var code = (weights[index] - low) * factor
      code = code < from ? from : code
      code = code > to ? to : code
      // Adding 1.5 · 2²³ leaves no bits for a fraction.
      codes[index] = (code + 0x1.8p23) - 0x1.8p23
    }
  }

  @inline(__always)
  private var fit: (codes: Float, squares: Float, products: Float) {
    var (sum, squares, products) = (SIMD8<Float>.zero, SIMD8<Float>.zero, SIMD8<Float>.zero)
    for index in stride(from: 0, to: count, by: 8) {
      let (code, weight) = (SIMD8(loading: codes + index), SIMD8(loading: weights + index))
      sum += code
      squares += code * code
      products += code * weight
    }
    return (sum.sum(), squares.sum(), products.sum())
  }

  @inline(__always)
  private func squares(_ line: Line) -> Float {
    var sum = SIMD8<Float>.zero
    for index in stride(from: 0, to: count, by: 8) {
      let difference =
        SIMD8(loading: weights + index) - (SIMD8(loading: codes + index) * line.scale + line.low)
      sum += difference * difference
    }
    return sum.sum()
  }

  @inline(__always)
  private func sum(_ value: (Int) -> Float) -> Float {
    var sum: Float = 0
    for index in 0..<count { sum += value(index) }
    return sum
  }
}

extension SIMD8<Float> {
  @inline(__always)
  init(loading weights: UnsafePointer<Float>) {
    self = UnsafeRawPointer(weights).loadUnaligned(as: Self.self)
  }
}
