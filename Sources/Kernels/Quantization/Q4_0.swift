import CMicrokernels
import Quantities

/// 32 codes of 4 bits and an fp16 scale: `w = (q − 8) · d`.
///
/// The weight of the largest magnitude takes the code 0, which is the one that has no opposite.
/// - Source: GGUF's `block_q4_0` (ggml, ggml-common.h): d, then nibbles.
enum Q4_0: BlockFormat {
  static let elementType = ElementType.q4_0
  static var facts: hr_quantized_format { hr_format_facts(HR_Q4_0) }

  static func quantize(_ weights: UnsafePointer<Float>, into block: UnsafeMutableRawPointer) {
    let scale = BlockExtremes(weights, count: 32).largest / -8
    let factor = inverse(scale)
    block.setHalf(0, scale)
    Nibbles.write(block + 2) { index in
      UInt8(min(15, weights[index] * factor + 8.5))
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
}
