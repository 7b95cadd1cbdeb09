import Quantities

/// 32 codes of 4 bits into a table of 16 levels that lie closer around 0, and an fp16 scale:
/// `w = d · level[q]`.
///
/// - Source: GGUF's `block_iq4_nl` and `kvalues_iq4nl` (ggml, ggml-common.h): d, then nibbles.
enum IQ4NL: BlockFormat {
  static let elementType = ElementType.iq4_nl
  static let blockLength = 32
  static let blockBytes = 18
  static let bits = 4
  /// Of the levels as a panel's loops look them up: 128 up.
  static let zero: Int? = 128

  static let levels: [Float] = [
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
  ]

  static func level(_ code: UInt8) -> Float { levels[Int(code)] }

  static func quantize(_ weights: UnsafePointer<Float>, into block: UnsafeMutableRawPointer) {
    let values = SIMD32(loading: weights)
    let scale = SuperBlock.rounded(bestScale(values))
    block.setHalf(0, scale)
    let factor = inverse(scale)
    let codes = nearest(values * factor).code
    Nibbles.write(block + 2) { UInt8(codes[$0]) }
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
  private static func bestScale(_ values: SIMD32<Float>) -> Float {
    let (least, greatest) = (values.min(), values.max())
    let most = -least > greatest ? least : greatest
    guard (128 / most).isFinite, most != 0 else { return 0 }
    var (best, bestGain): (Float, Float) = (0, 0)
    for end in [levels[0], levels[15]] {
      for step in -8...8 {
        var factor = end * (1 + 0.02 * Float(step)) / most
        for _ in 0..<2 {
          let levels = nearest(values * factor).level
          let squares = (levels * levels).sum()
          let products = (levels * values).sum()
          guard squares > 0, products != 0 else { break }
          let gain = products * (products / squares)
          if gain > bestGain { (best, bestGain) = (products / squares, gain) }
          factor = squares / products
        }
      }
    }
    return best
  }

  @inline(__always)
  private static func nearest(_ values: SIMD32<Float>) -> (
    code: SIMD32<Float>, level: SIMD32<Float>
  ) {
    var code = SIMD32<Float>.zero
    var level = SIMD32<Float>(repeating: levels[0])
    levels.withUnsafeBufferPointer { levels in
      for index in 1..<16 {
        let beyond = values .> (levels[index - 1] + levels[index]) / 2
        code.replace(with: Float(index), where: beyond)
        level.replace(with: levels[index], where: beyond)
      }
    }
    return (code, level)
  }
}
