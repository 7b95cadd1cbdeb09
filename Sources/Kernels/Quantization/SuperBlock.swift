/// The search for a super-block's own scale: parts' scales are whole numbers times it.
enum SuperBlock {
  /// The nearest of a few whole numbers around `value / unit`, by an error that the caller gives.
  @inline(__always)
  static func refined(
    _ value: Float, unit: Float, in range: ClosedRange<Int>, error: (Int) -> Float
  ) -> Int {
    guard unit != 0 else { return 0 }
    let middle = Int(
      max(Float(range.lowerBound), min(Float(range.upperBound), value / unit)).rounded())
    var best = middle
    var bestError = Float.infinity
    for candidate in max(range.lowerBound, middle - 1)...min(range.upperBound, middle + 1) {
      let error = error(candidate)
      if error < bestError { (best, bestError) = (candidate, error) }
    }
    return best
  }

  /// Two whole numbers at once: scale and minimum.
  @inline(__always)
  static func refined(
    _ line: ScaleSearch.Line, units: (scale: Float, low: Float), top: Int,
    error: (Int, Int) -> Float
  ) -> (scale: Int, low: Int) {
    func middle(_ value: Float, _ unit: Float) -> Int {
      unit == 0 ? 0 : Int(max(0, min(Float(top), value / unit)).rounded())
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
    return best
  }

  /// fp16's value of a scale.
  @inline(__always)
  static func rounded(_ scale: Float) -> Float { Float16Bits.float(Float16Bits.bits(scale)) }
}
