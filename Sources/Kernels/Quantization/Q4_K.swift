import CMicrokernels
import Quantities

/// 256 codes of 4 bits; eight parts of 32 have a scale and a minimum of 6 bits each, times fp16
/// ones of the block: `w = d · sc · q − dmin · m`.
///
/// - Source: GGUF's `block_q4_K` (ggml, ggml-common.h): d, dmin, twelve bytes of scales, then for
///   each 64 weights 32 bytes with the first 32 in their low halves.
enum Q4K: BlockFormat {
  static let elementType = ElementType.q4_k
  static var facts: hr_quantized_format { hr_format_facts(HR_Q4_K) }

  static func quantize(_ weights: UnsafePointer<Float>, into block: UnsafeMutableRawPointer) {
    SixBitScales.quantize(weights, top: 15, into: block) { part, search in
      for index in 0..<32 {
        let at = 16 + part / 2 * 32 + index
        let code = UInt8(search.code(index))
        block.setByte(
          at, part % 2 == 0 ? code : UnsafeRawPointer(block).byte(at) | code << 4)
      }
    }
  }

  static func codes(_ block: UnsafeRawPointer, into codes: UnsafeMutablePointer<UInt8>) {
    for pair in 0..<4 {
      for index in 0..<32 {
        let both = block.byte(16 + 32 * pair + index)
        codes[64 * pair + index] = both & 15
        codes[64 * pair + 32 + index] = both >> 4
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
