import CMicrokernels
import Quantities

/// 256 codes of 6 bits; sixteen parts of 16 have a signed scale of 8 bits each, times an fp16 one of
/// the block: `w = d · sc · (q − 32)`.
///
/// - Source: GGUF's `block_q6_K` (ggml, ggml-common.h): 128 bytes of low halves, 64 of high pairs,
///   sixteen scales, d. Of each 128 weights the first 64 are in the low halves of 64 bytes; a byte
///   of pairs serves weights i, 32 + i, 64 + i, 96 + i.
enum Q6K: BlockFormat {
  static let elementType = ElementType.q6_k
  static var facts: hr_quantized_format { hr_format_facts(HR_Q6_K) }
  static let partLength = 16

  static func quantize(_ weights: UnsafePointer<Float>, into block: UnsafeMutableRawPointer) {
    let read = UnsafeRawPointer(block)
    for index in 0..<192 { block.setByte(index, 0) }
    SuperBlock.scales(weights, parts: 16, length: 16, codes: (-32, 31)) { scales, search in
      let largest = SuperBlock.largest(scales) / -128
      block.setHalf(208, largest)
      let unit = SuperBlock.rounded(largest)
      for part in 0..<16 {
        let search = search(part)
        let scale = SuperBlock.refined(
          scales[part], unit: unit, in: -128...127, search, codes: (-32, 31))
        block.setByte(192 + part, UInt8(bitPattern: Int8(scale)))
        let (half, row) = (part / 8, part % 8 / 2)
        for index in 0..<16 {
          let code = UInt8(search.code(index) + 32)
          let place = part % 2 * 16 + index
          let low = 64 * half + row % 2 * 32 + place
          let high = 128 + 32 * half + place
          block.setByte(low, read.byte(low) | (code & 15) << (row < 2 ? 0 : 4))
          block.setByte(high, read.byte(high) | ((code >> 4) << UInt8(2 * row)))
        }
      }
    }
  }

  static func codes(_ block: UnsafeRawPointer, into codes: UnsafeMutablePointer<UInt8>) {
    for half in 0..<2 {
      for row in 0..<4 {
        for index in 0..<32 {
          let low = block.byte(64 * half + row % 2 * 32 + index) >> (row < 2 ? 0 : 4) & 15
          let high = block.byte(128 + 32 * half + index) >> UInt8(2 * row) & 3
          codes[128 * half + 32 * row + index] = low | high << 4
        }
      }
    }
  }

  static func part(_ block: UnsafeRawPointer, _ index: Int) -> BlockPart {
    BlockPart(scale: block.half(208) * Float(Int8(bitPattern: block.byte(192 + index))))
  }

  static func packScales(_ block: UnsafeRawPointer, column: Int, into header: PanelHeader) {
    header.set16(0, column, block.halfBits(208))
    for index in 0..<16 { header.set8(after: 1, index, column, block.byte(192 + index)) }
  }
}
