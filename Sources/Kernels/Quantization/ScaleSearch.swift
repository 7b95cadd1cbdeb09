/// Looks for the scale, and the minimum, with which few levels come nearest to weights.
///
/// Least squares give the best line through codes that are given, rounding the best codes for a
/// line; each candidate stretches the range a little so that outer weights may be clipped to the
/// gain of the others, and is then fitted.
enum ScaleSearch {
  /// A line from codes 0 … top to weights, its start not above 0.
  struct Line {
    var scale: Float
    var low: Float
  }

  @inline(__always)
  static func line<V: SIMD>(_ weights: V, top: Float) -> Line where V.Scalar == Float {
    let least = min(weights.min(), 0)
    let range = weights.max() - least
    // A range that has no inverse in fp32 is none.
    guard (top / range).isFinite, range > 0 else { return Line(scale: 0, low: least) }
    let count = Float(V.scalarCount)
    let sum = weights.sum()
    var best = Line(scale: range / top, low: least)
    var bestError = squares(weights, best, top: top)
    for step in -10...10 {
      let factor = (top + 0.1 * Float(step)) / range
      var codes = nearest((weights - least) * factor, from: 0, to: top)
      for _ in 0..<2 {
        let (codeSum, codeSquares) = (codes.sum(), (codes * codes).sum())
        let products = (codes * weights).sum()
        let determinant = count * codeSquares - codeSum * codeSum
        guard determinant > 0 else { break }
        var line = Line(
          scale: (count * products - sum * codeSum) / determinant,
          low: (codeSquares * sum - codeSum * products) / determinant)
        if line.low > 0 { line = Line(scale: products / codeSquares, low: 0) }
        guard line.scale > 0 else { break }
        let error = squares(weights, line, top: top)
        if error < bestError { (best, bestError) = (line, error) }
        codes = nearest((weights - line.low) / line.scale, from: 0, to: top)
      }
    }
    return best
  }

  /// A scale of either sign for codes from … to, 0 standing for 0.
  @inline(__always)
  static func scale<V: SIMD>(_ weights: V, from: Float, to: Float) -> Float
  where V.Scalar == Float {
    let (least, greatest) = (weights.min(), weights.max())
    let most = -least > greatest ? least : greatest
    guard (from / most).isFinite, most != 0 else { return 0 }
    var best: Float = 0
    var bestGain: Float = 0
    // The outermost weight at either end of the codes, or somewhat beyond.
    for end in [from, to] {
      for step in -9...9 {
        let factor = (end + 0.1 * Float(step)) / most
        var codes = nearest(weights * factor, from: from, to: to)
        for _ in 0..<2 {
          let squares = (codes * codes).sum()
          let products = (codes * weights).sum()
          guard squares > 0, products != 0 else { break }
          // The squared error is Σ w² − products² / squares.
          let gain = products * (products / squares)
          let scale = products / squares
          if gain > bestGain { (best, bestGain) = (scale, gain) }
          codes = nearest(weights / scale, from: from, to: to)
        }
      }
    }
    return best
  }

  /// The squared error of the best codes for a line.
  @inline(__always)
  static func squares<V: SIMD>(_ weights: V, _ line: Line, top: Float) -> Float
  where V.Scalar == Float {
    var difference = weights - line.low
    if line.scale != 0 {
      difference -= nearest(difference / line.scale, from: 0, to: top) * line.scale
    }
    return (difference * difference).sum()
  }

  /// The squared error of the best codes for a scale.
  @inline(__always)
  static func squares<V: SIMD>(_ weights: V, scale: Float, from: Float, to: Float) -> Float
  where V.Scalar == Float {
    var difference = weights
    if scale != 0 { difference -= nearest(weights / scale, from: from, to: to) * scale }
    return (difference * difference).sum()
  }

  /// Whole numbers, ties to even, kept within bounds.
  @inline(__always)
  static func nearest<V: SIMD>(_ values: V, from: Float, to: Float) -> V where V.Scalar == Float {
    // Adding 1.5 · 2²³ leaves no bits for a fraction. Bounds first: they are whole numbers.
    let bounded = values.clamped(lowerBound: V(repeating: from), upperBound: V(repeating: to))
    return (bounded + 0x1.8p23) - 0x1.8p23
  }
}

extension SIMD where Scalar == Float {
  @inline(__always)
  init(loading weights: UnsafePointer<Float>) {
    self = UnsafeRawPointer(weights).loadUnaligned(as: Self.self)
  }
}
