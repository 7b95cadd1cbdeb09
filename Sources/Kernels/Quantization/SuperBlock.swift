/// The search for a super-block's own scale: parts' scales are whole numbers times it.
enum SuperBlock {
  /// Each part's best line, and a search to go on with.
  @inline(__always)
  static func lines(
    _ weights: UnsafePointer<Float>, parts: Int, length: Int, top: Float,
    _ body: (UnsafeMutableBufferPointer<ScaleSearch.Line>, (Int) -> ScaleSearch) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: length) { scratch in
      withUnsafeTemporaryAllocation(of: ScaleSearch.Line.self, capacity: parts) { lines in
        guard let scratch = scratch.baseAddress else { return }
        func search(_ part: Int) -> ScaleSearch {
          ScaleSearch(weights + part * length, count: length, scratch: scratch)
        }
        for part in 0..<parts { lines[part] = search(part).line(top: top) }
        body(lines, search)
      }
    }
  }

  /// Each part's best scale, and a search to go on with.
  @inline(__always)
  static func scales(
    _ weights: UnsafePointer<Float>, parts: Int, length: Int, codes: (from: Float, to: Float),
    _ body: (UnsafeMutableBufferPointer<Float>, (Int) -> ScaleSearch) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: length) { scratch in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: parts) { scales in
        guard let scratch = scratch.baseAddress else { return }
        func search(_ part: Int) -> ScaleSearch {
          ScaleSearch(weights + part * length, count: length, scratch: scratch)
        }
        for part in 0..<parts {
          scales[part] = search(part).scale(from: codes.from, to: codes.to)
        }
        body(scales, search)
      }
    }
  }

  /// The scale of the largest magnitude, its sign kept.
  static func largest(_ scales: UnsafeMutableBufferPointer<Float>) -> Float {
    scales.reduce(Float(0)) { abs($1) > abs($0) ? $1 : $0 }
  }

  /// The best of a few whole numbers around `scale / unit`; the search is left with its codes.
  @inline(__always)
  static func refined(
    _ scale: Float, unit: Float, in range: ClosedRange<Int>, _ search: ScaleSearch,
    codes: (from: Float, to: Float)
  ) -> Int {
    let steps = max(Float(range.lowerBound), min(Float(range.upperBound), scale * inverse(unit)))
    let middle = Int(steps.rounded())
    var best = middle
    var bestError = Float.infinity
    for candidate in max(range.lowerBound, middle - 1)...min(range.upperBound, middle + 1) {
      let error = search.error(
        scale: unit * Float(candidate), from: codes.from, to: codes.to)
      if error < bestError { (best, bestError) = (candidate, error) }
    }
    _ = search.error(scale: unit * Float(best), from: codes.from, to: codes.to)
    return best
  }

  /// Two whole numbers at once, for scale and minimum; the search is left with their codes.
  @inline(__always)
  static func refined(
    _ line: ScaleSearch.Line, units: (scale: Float, low: Float), top: Int, _ search: ScaleSearch,
    codes: Float
  ) -> (scale: Int, low: Int) {
    func middle(_ value: Float, _ unit: Float) -> Int {
      Int(max(0, min(Float(top), value * inverse(unit))).rounded())
    }
    func error(_ scale: Int, _ low: Int) -> Float {
      search.error(
        ScaleSearch.Line(scale: units.scale * Float(scale), low: -units.low * Float(low)),
        top: codes)
    }
    let (scale, low) = (middle(line.scale, units.scale), middle(-line.low, units.low))
    var best = (scale: scale, low: low)
    var bestError = Float.infinity
    for scale in max(0, scale - 1)...min(top, scale + 1) {
      for low in max(0, low - 1)...min(top, low + 1) {
        let error = error(scale, low)
        if error < bestError { (best, bestError) = ((scale, low), error) }
      }
    }
    _ = error(best.scale, best.low)
    return best
  }

  /// fp16's value of a scale.
  @inline(__always)
  static func rounded(_ scale: Float) -> Float { Float16Bits.float(Float16Bits.bits(scale)) }
}
