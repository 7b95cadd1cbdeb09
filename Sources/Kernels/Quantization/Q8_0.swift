import CMicrokernels
import Quantities

/// 32 signed bytes and an fp16 scale: `w = q · d`, `d` the largest magnitude / 127.
///
/// - Source: GGUF's `block_q8_0` (ggml, ggml-common.h): d, then 32 codes.
enum Q8_0: BlockFormat {
  static let elementType = ElementType.q8_0
  static var facts: hr_quantized_format { hr_format_facts(HR_Q8_0) }

  static func quantize(_ weights: UnsafePointer<Float>, into block: UnsafeMutableRawPointer) {
    let scale = abs(BlockExtremes(weights, count: 32).largest) / 127
    let factor = inverse(scale)
    block.setHalf(0, scale)
    for index in 0..<32 {
      let code = Int8((weights[index] * factor).rounded(.toNearestOrAwayFromZero))
      block.setByte(2 + index, UInt8(bitPattern: code))
    }
  }

  static func codes(_ block: UnsafeRawPointer, into codes: UnsafeMutablePointer<UInt8>) {
    for index in 0..<32 { codes[index] = block.byte(2 + index) ^ 0x80 }
  }

  static func part(_ block: UnsafeRawPointer, _ index: Int) -> BlockPart {
    BlockPart(scale: block.half(0))
  }

  static func packScales(_ block: UnsafeRawPointer, column: Int, into header: PanelHeader) {
    header.set16(0, column, block.halfBits(0))
  }
}
