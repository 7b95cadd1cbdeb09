import CMicrokernels
import Quantities

/// 256 codes of 2 bits; sixteen parts of 16 have a scale and a minimum of 4 bits each, times fp16
/// ones of the block: `w = d · sc · q − dmin · m`.
///
/// - Source: GGUF's `block_q2_K` (ggml, ggml-common.h): sixteen bytes of scales (minima in the high
///   halves), 64 bytes of codes, d, dmin. Byte i of each 32 holds weights i, 32 + i, 64 + i, 96 + i
///   of its 128.
enum Q2K: BlockFormat {
  static let elementType = ElementType.q2_k
  static var facts: hr_quantized_format { hr_format_facts(HR_Q2_K) }
  static let partLength = 16

  static func quantize(_ weights: UnsafePointer<Float>, into block: UnsafeMutableRawPointer) {
    SuperBlock.lines(weights, parts: 16, length: 16, top: 3) { lines, search in
      let scale = lines.reduce(Float(0)) { max($0, $1.scale) }
      let low = lines.reduce(Float(0)) { max($0, -$1.low) }
      block.setHalf(80, scale / 15)
      block.setHalf(82, low / 15)
      let units = (scale: SuperBlock.rounded(scale / 15), low: SuperBlock.rounded(low / 15))
      for part in 0..<16 {
        let search = search(part)
        let best = SuperBlock.refined(lines[part], units: units, top: 15, search, codes: 3)
        block.setByte(part, UInt8(best.scale) | UInt8(best.low) << 4)
        TwoBits.write(block + 16, part: part) { UInt8(search.code($0)) }
      }
    }
  }

  static func codes(_ block: UnsafeRawPointer, into codes: UnsafeMutablePointer<UInt8>) {
    TwoBits.read(block + 16, into: codes)
  }

  static func part(_ block: UnsafeRawPointer, _ index: Int) -> BlockPart {
    let both = block.byte(index)
    return BlockPart(
      scale: block.half(80) * Float(both & 15), low: -(block.half(82) * Float(both >> 4)))
  }

  static func packScales(_ block: UnsafeRawPointer, column: Int, into header: PanelHeader) {
    header.set16(0, column, block.halfBits(80))
    header.set16(1, column, block.halfBits(82))
    for index in 0..<16 { header.set8(after: 2, index, column, block.byte(index)) }
  }
}

/// 256 codes' lowest two bits in 64 bytes, as q2_k and q3_k hold them.
enum TwoBits {
  @inline(__always)
  static func read(_ bytes: UnsafeRawPointer, into codes: UnsafeMutablePointer<UInt8>) {
    for half in 0..<2 {
      for row in 0..<4 {
        for index in 0..<32 {
          codes[128 * half + 32 * row + index] =
            bytes.byte(32 * half + index) >> UInt8(2 * row) & 3
        }
      }
    }
  }

  /// Sixteen codes of one part; parts come in order.
  @inline(__always)
  static func write(_ bytes: UnsafeMutableRawPointer, part: Int, code: (Int) -> UInt8) {
    let (half, row) = (part / 8, part % 8 / 2)
    for index in 0..<16 {
      let at = 32 * half + part % 2 * 16 + index
      let before = row == 0 ? 0 : UnsafeRawPointer(bytes).byte(at)
      bytes.setByte(at, before | (code(index) & 3) << UInt8(2 * row))
    }
  }
}
