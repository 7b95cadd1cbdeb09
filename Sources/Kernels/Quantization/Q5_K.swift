import CMicrokernels
import Quantities

/// 256 codes of 5 bits; eight parts of 32 have a scale and a minimum of 6 bits each, times fp16
/// ones of the block: `w = d · sc · q − dmin · m`.
///
/// - Source: GGUF's `block_q5_K` (ggml, ggml-common.h): d, dmin, twelve bytes of scales, 32 bytes
///   whose bit p is the fifth bit of part p, then nibbles as in q4_k.
enum Q5K: BlockFormat {
  static let elementType = ElementType.q5_k
  static var facts: hr_quantized_format { hr_format_facts(HR_Q5_K) }

  static func quantize(_ weights: UnsafePointer<Float>, into block: UnsafeMutableRawPointer) {
    let read = UnsafeRawPointer(block)
    SixBitScales.quantize(weights, top: 31, into: block) { part, search in
      for index in 0..<32 {
        let (at, high) = (48 + part / 2 * 32 + index, 16 + index)
        let code = UInt8(search.code(index))
        block.setByte(at, part % 2 == 0 ? code & 15 : read.byte(at) | (code & 15) << 4)
        block.setByte(high, (part == 0 ? 0 : read.byte(high)) | ((code >> 4) << UInt8(part)))
      }
    }
  }

  static func codes(_ block: UnsafeRawPointer, into codes: UnsafeMutablePointer<UInt8>) {
    for pair in 0..<4 {
      for index in 0..<32 {
        let (both, high) = (block.byte(48 + 32 * pair + index), block.byte(16 + index))
        codes[64 * pair + index] = both & 15 | (high >> UInt8(2 * pair) & 1) << 4
        codes[64 * pair + 32 + index] = both >> 4 | (high >> UInt8(2 * pair + 1) & 1) << 4
      }
    }
  }

  static func part(_ block: UnsafeRawPointer, _ index: Int) -> BlockPart {
    SixBitScales.part(block, index)
  }

  static func packScales(_ block: UnsafeRawPointer, column: Int, into header: PanelHeader) {
    SixBitScales.pack(block, column: column, into: header)
  }
}
