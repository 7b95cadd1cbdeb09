/// Eight scales and eight minima of 6 bits in twelve bytes, as q4_k and q5_k hold them: of the
/// first four a byte each, with two bits of a later one on top; of the last four nibbles.
enum SixBitScales {
  @inline(__always)
  static func scale(_ bytes: UnsafeRawPointer, _ index: Int) -> UInt8 {
    index < 4
      ? bytes.byte(index) & 63
      : bytes.byte(index + 4) & 15 | ((bytes.byte(index - 4) >> 6) << 4)
  }

  @inline(__always)
  static func low(_ bytes: UnsafeRawPointer, _ index: Int) -> UInt8 {
    index < 4
      ? bytes.byte(index + 4) & 63
      : bytes.byte(index + 4) >> 4 | ((bytes.byte(index) >> 6) << 4)
  }

  /// In the order of the indices: earlier ones' bytes are completed by later ones.
  @inline(__always)
  static func set(_ bytes: UnsafeMutableRawPointer, _ index: Int, scale: UInt8, low: UInt8) {
    let read = UnsafeRawPointer(bytes)
    if index < 4 {
      bytes.setByte(index, scale)
      bytes.setByte(index + 4, low)
    } else {
      bytes.setByte(index + 4, scale & 15 | (low & 15) << 4)
      bytes.setByte(index - 4, read.byte(index - 4) | ((scale >> 4) << 6))
      bytes.setByte(index, read.byte(index) | ((low >> 4) << 6))
    }
  }

  /// Quantizes eight parts of 32 weights by lines; writes the block's d and dmin at 0 and 2, the
  /// scales at 4, and hands each part's codes over.
  @inline(__always)
  static func quantize(
    _ weights: UnsafePointer<Float>, top: Int, into block: UnsafeMutableRawPointer,
    code: (_ part: Int, _ search: ScaleSearch) -> Void
  ) {
    SuperBlock.lines(weights, parts: 8, length: 32, top: Float(top)) { lines, search in
      let scale = lines.reduce(Float(0)) { max($0, $1.scale) }
      let low = lines.reduce(Float(0)) { max($0, -$1.low) }
      block.setHalf(0, scale / 63)
      block.setHalf(2, low / 63)
      let units = (scale: SuperBlock.rounded(scale / 63), low: SuperBlock.rounded(low / 63))
      for part in 0..<8 {
        let search = search(part)
        let best = SuperBlock.refined(
          lines[part], units: units, top: 63, search, codes: Float(top))
        set(block + 4, part, scale: UInt8(best.scale), low: UInt8(best.low))
        code(part, search)
      }
    }
  }

  /// Of both formats: d and dmin at 0 and 2, these scales at 4.
  static func part(_ block: UnsafeRawPointer, _ index: Int) -> BlockPart {
    BlockPart(
      scale: block.half(0) * Float(scale(block + 4, index)),
      low: -(block.half(2) * Float(low(block + 4, index))))
  }

  static func pack(_ block: UnsafeRawPointer, column: Int, into header: PanelHeader) {
    header.set16(0, column, block.halfBits(0))
    header.set16(1, column, block.halfBits(2))
    for index in 0..<8 {
      header.set8(after: 2, index, column, scale(block + 4, index))
      header.set8(after: 2, 8 + index, column, low(block + 4, index))
    }
  }
}
