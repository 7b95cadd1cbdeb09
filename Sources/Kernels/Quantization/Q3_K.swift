import CMicrokernels
import Quantities

/// 256 codes of 3 bits; sixteen parts of 16 have a signed scale of 6 bits each, times an fp16 one of
/// the block: `w = d · sc · (q − 4)`.
///
/// - Source: GGUF's `block_q3_K` (ggml, ggml-common.h): 32 bytes whose bit g is the third bit of the
///   g-th 32 weights, 64 bytes of the others as in q2_k, twelve bytes of scales + 32 (low halves
///   first, then pairs of high bits), d.
enum Q3K: BlockFormat {
  static let elementType = ElementType.q3_k
  static var facts: hr_quantized_format { hr_format_facts(HR_Q3_K) }
  static let partLength = 16

  static func quantize(_ weights: UnsafePointer<Float>, into block: UnsafeMutableRawPointer) {
    let read = UnsafeRawPointer(block)
    for index in 0..<32 { block.setByte(index, 0) }
    for index in 96..<108 { block.setByte(index, 0) }
    SuperBlock.scales(weights, parts: 16, length: 16, codes: (-4, 3)) { scales, search in
      let largest = SuperBlock.largest(scales) / -32
      block.setHalf(108, largest)
      let unit = SuperBlock.rounded(largest)
      for part in 0..<16 {
        let search = search(part)
        let scale = SuperBlock.refined(
          scales[part], unit: unit, in: -32...31, search, codes: (-4, 3))
        setScale(block, part, scale)
        TwoBits.write(block + 32, part: part) { UInt8(search.code($0) + 4) }
        for index in 0..<16 where search.code(index) >= 0 {
          let at = part % 2 * 16 + index
          block.setByte(at, read.byte(at) | 1 << UInt8(part / 2))
        }
      }
    }
  }

  static func codes(_ block: UnsafeRawPointer, into codes: UnsafeMutablePointer<UInt8>) {
    TwoBits.read(block + 32, into: codes)
    for index in 0..<256 {
      codes[index] |= (block.byte(index % 32) >> UInt8(index / 32) & 1) << 2
    }
  }

  static func part(_ block: UnsafeRawPointer, _ index: Int) -> BlockPart {
    BlockPart(scale: block.half(108) * Float(scale(block, index)))
  }

  static func packScales(_ block: UnsafeRawPointer, column: Int, into header: PanelHeader) {
    header.set16(0, column, block.halfBits(108))
    for index in 0..<16 {
      header.set8(after: 1, index, column, UInt8(bitPattern: Int8(scale(block, index))))
    }
  }

  private static func scale(_ block: UnsafeRawPointer, _ index: Int) -> Int {
    let low = block.byte(96 + index % 8) >> (index < 8 ? 0 : 4) & 15
    let high = block.byte(104 + index % 4) >> UInt8(index / 4 * 2) & 3
    return Int(low | high << 4) - 32
  }

  private static func setScale(_ block: UnsafeMutableRawPointer, _ index: Int, _ scale: Int) {
    let (read, bits) = (UnsafeRawPointer(block), UInt8(scale + 32))
    let (low, high) = (96 + index % 8, 104 + index % 4)
    block.setByte(low, read.byte(low) | ((bits & 15) << (index < 8 ? 0 : 4)))
    block.setByte(high, read.byte(high) | ((bits >> 4) << UInt8(index / 4 * 2)))
  }
}
