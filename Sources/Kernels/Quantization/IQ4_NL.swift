import CMicrokernels
import Quantities

/// 32 codes of 4 bits into a table of 16 levels that lie closer around 0, and an fp16 scale:
/// `w = d · level[q]`.
///
/// - Source: GGUF's `block_iq4_nl` and `kvalues_iq4nl` (ggml, ggml-common.h): d, then nibbles.
enum IQ4NL: BlockFormat {
  static let elementType = ElementType.iq4_nl
  static var facts: hr_quantized_format { hr_format_facts(HR_IQ4_NL) }

  static let levels: [Float] = [
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
  ]

  static func level(_ code: UInt8) -> Float { levels[Int(code)] }

  static func quantize(_ weights: UnsafePointer<Float>, into block: UnsafeMutableRawPointer) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 64) { scratch in
      guard let codes = scratch.baseAddress else { return }
      let scale = SuperBlock.rounded(bestScale(weights, codes, codes + 32))
      block.setHalf(0, scale)
      nearest(weights, factor: inverse(scale), codes, codes + 32)
      Nibbles.write(block + 2) { UInt8(codes[$0]) }
    }
  }

  static func codes(_ block: UnsafeRawPointer, into codes: UnsafeMutablePointer<UInt8>) {
    Nibbles.read(block + 2, into: codes)
  }

  static func part(_ block: UnsafeRawPointer, _ index: Int) -> BlockPart {
    BlockPart(scale: block.half(0))
  }

  static func packScales(_ block: UnsafeRawPointer, column: Int, into header: PanelHeader) {
    header.set16(0, column, block.halfBits(0))
  }

  /// The outermost weight at either end of the table or somewhat beyond, then fitted.
  private static func bestScale(
    _ weights: UnsafePointer<Float>, _ codes: UnsafeMutablePointer<Float>,
    _ values: UnsafeMutablePointer<Float>
  ) -> Float {
    let largest = BlockExtremes(weights, count: 32).largest
    guard (128 / largest).isFinite, largest != 0 else { return 0 }
    var (best, bestGain): (Float, Float) = (0, 0)
    for end: Float in [-127, 113] {
      for trial in -8...8 {
        var factor = end * (1 + 0.02 * Float(trial)) / largest
        for _ in 0..<2 {
          nearest(weights, factor: factor, codes, values)
          var (squares, products) = (SIMD8<Float>.zero, SIMD8<Float>.zero)
          for index in stride(from: 0, to: 32, by: 8) {
            let level = SIMD8(loading: values + index)
            squares += level * level
            products += level * SIMD8(loading: weights + index)
          }
          let (square, product) = (squares.sum(), products.sum())
          guard square > 0, product != 0 else { break }
          let gain = product * (product / square)
          if gain > bestGain { (best, bestGain) = (product / square, gain) }
          factor = square / product
        }
      }
    }
    return best
  }

  /// The nearest levels of 32 weights, and their codes.
  @inline(__always)
  private static func nearest(
    _ weights: UnsafePointer<Float>, factor: Float, _ codes: UnsafeMutablePointer<Float>,
    _ values: UnsafeMutablePointer<Float>
  ) {
    for index in 0..<32 {
      let weight = weights[index] * factor
      var (code, value): (Float, Float) = (0, -127)
      // Each level's middle to the one before, and the step from it.
      code += weight > -115.5 ? 1 : 0
      value += weight > -115.5 ? 23 : 0
      code += weight > -93.5 ? 1 : 0
      value += weight > -93.5 ? 21 : 0
      code += weight > -74.0 ? 1 : 0
      value += weight > -74.0 ? 18 : 0
      code += weight > -57.0 ? 1 : 0
      value += weight > -57.0 ? 16 : 0
      code += weight > -42.0 ? 1 : 0
      value += weight > -42.0 ? 14 : 0
      code += weight > -28.5 ? 1 : 0
      value += weight > -28.5 ? 13 : 0
      code += weight > -16.0 ? 1 : 0
      value += weight > -16.0 ? 12 : 0
      code += weight > -4.5 ? 1 : 0
      value += weight > -4.5 ? 11 : 0
      code += weight > 7.0 ? 1 : 0
      value += weight > 7.0 ? 12 : 0
      code += weight > 19.0 ? 1 : 0
      value += weight > 19.0 ? 12 : 0
      code += weight > 31.5 ? 1 : 0
      value += weight > 31.5 ? 13 : 0
      code += weight > 45.5 ? 1 : 0
      value += weight > 45.5 ? 15 : 0
      code += weight > 61.0 ? 1 : 0
      value += weight > 61.0 ? 16 : 0
      code += weight > 79.0 ? 1 : 0
      value += weight > 79.0 ? 20 : 0
      code += weight > 101.0 ? 1 : 0
      value += weight > 101.0 ? 24 : 0
      codes[index] = code
      values[index] = value
    }
  }
}
