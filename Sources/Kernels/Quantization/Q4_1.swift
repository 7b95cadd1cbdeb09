import CMicrokernels
import Quantities

/// 32 codes of 4 bits, an fp16 scale and an fp16 minimum: `w = q · d + m`.
///
/// - Source: GGUF's `block_q4_1` (ggml, ggml-common.h): d, m, then nibbles.
enum Q4_1: BlockFormat {
  static let elementType = ElementType.q4_1
  static var facts: hr_quantized_format { hr_format_facts(HR_Q4_1) }

  static func quantize(_ weights: UnsafePointer<Float>, into block: UnsafeMutableRawPointer) {
    let extremes = BlockExtremes(weights, count: 32)
    let scale = (extremes.greatest - extremes.least) / 15
    let factor = inverse(scale)
    block.setHalf(0, scale)
    block.setHalf(2, extremes.least)
    Nibbles.write(block + 4) { index in
      UInt8(min(15, (weights[index] - extremes.least) * factor + 0.5))
    }
  }

  static func codes(_ block: UnsafeRawPointer, into codes: UnsafeMutablePointer<UInt8>) {
    Nibbles.read(block + 4, into: codes)
  }

  static func part(_ block: UnsafeRawPointer, _ index: Int) -> BlockPart {
    BlockPart(scale: block.half(0), low: block.half(2))
  }

  static func packScales(_ block: UnsafeRawPointer, column: Int, into header: PanelHeader) {
    header.set16(0, column, block.halfBits(0))
    header.set16(1, column, block.halfBits(2))
  }
}
