/// IEEE 754 binary16 as bits.
package enum Float16Bits {
  /// Exact.
  @inline(__always)
  package static func float(_ bits: UInt16) -> Float {
    #if arch(arm64)
      return Float(Float16(bitPattern: bits))
    #else
      // Baseline x86-64 has no conversion, and Swift's Float16 calls a library routine there.
      let sign = UInt32(bits & 0x8000) << 16
      let rest = UInt32(bits & 0x7FFF) << 13
      // Normal numbers: the exponent's bias goes from 15 to 127. Subnormal ones come out right
      // by the multiplication; infinities and NaNs need the top exponent.
      let scaled = Float(bitPattern: rest) * 0x1p112
      let magnitude = rest >= 0x0F80_0000 ? (rest | 0x7F80_0000) : scaled.bitPattern
      return Float(bitPattern: sign | magnitude)
    #endif
  }

  /// To the nearest, ties to even; beyond 65504 to infinity.
  @inline(__always)
  package static func bits(_ value: Float) -> UInt16 {
    let pattern = value.bitPattern
    let sign = UInt16(truncatingIfNeeded: pattern >> 16) & 0x8000
    let magnitude = pattern & 0x7FFF_FFFF
    if magnitude > 0x7F80_0000 { return sign | 0x7E00 }
    if magnitude >= 0x4780_0000 { return sign | 0x7C00 }
    if magnitude < 0x3880_0000 {
      // Subnormal in half precision: adding 0.5 lets the adder round at 2⁻²⁴.
      let rounded = (Float(bitPattern: magnitude) + 0.5).bitPattern &- Float(0.5).bitPattern
      return sign | UInt16(truncatingIfNeeded: rounded)
    }
    let odd = (magnitude >> 13) & 1
    return sign | UInt16(truncatingIfNeeded: (magnitude &+ 0xC800_0FFF &+ odd) >> 13)
  }
}

/// The upper half of a binary32 as bits.
package enum BFloat16Bits {
  /// Exact.
  @inline(__always)
  package static func float(_ bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }

  /// To the nearest, ties to even; NaN stays NaN.
  @inline(__always)
  package static func bits(_ value: Float) -> UInt16 {
    let pattern = value.bitPattern
    if pattern & 0x7FFF_FFFF > 0x7F80_0000 {
      return UInt16(truncatingIfNeeded: pattern >> 16) | 0x40
    }
    return UInt16(truncatingIfNeeded: (pattern &+ 0x7FFF &+ ((pattern >> 16) & 1)) >> 16)
  }
}
