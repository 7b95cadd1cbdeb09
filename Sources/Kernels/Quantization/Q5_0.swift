import CMicrokernels
import Quantities

/// 32 codes of 5 bits and an fp16 scale: `w = (q − 16) · d`.
///
/// The weight of the largest magnitude takes the code 0, which is the one that has no opposite.
/// - Source: GGUF's `block_q5_0` (ggml, ggml-common.h): d, a word of fifth bits, then nibbles.
enum Q5_0: BlockFormat {
  static let elementType = ElementType.q5_0
  static var facts: hr_quantized_format { hr_format_facts(HR_Q5_0) }

  static func quantize(_ weights: UnsafePointer<Float>, into block: UnsafeMutableRawPointer) {
    let scale = BlockExtremes(weights, count: 32).largest / -16
    let factor = inverse(scale)
    block.setHalf(0, scale)
    let fifths = Nibbles.write(block + 6) { index in
      UInt8(min(31, weights[index] * factor + 16.5))
    }
    block.setWord(2, fifths)
  }

  static func codes(_ block: UnsafeRawPointer, into codes: UnsafeMutablePointer<UInt8>) {
    Nibbles.read(block + 6, fifths: block.word(2), into: codes)
  }

  static func part(_ block: UnsafeRawPointer, _ index: Int) -> BlockPart {
    BlockPart(scale: block.half(0))
  }

  static func packScales(_ block: UnsafeRawPointer, column: Int, into header: PanelHeader) {
    header.set16(0, column, block.halfBits(0))
  }
}
