import Kernels
import Testing

/// Golden sums are `h = 31·h + x mod 2⁶⁴` over the values' bits, made with numpy 2.4.6:
///
///     def fold(xs):
///         h = 0
///         for x in xs: h = (h * 31 + int(x)) & 0xFFFFFFFFFFFFFFFF
///         return hex(h)
///     b = np.arange(65536, dtype=np.uint16)
///     f = b.view(np.float16).astype(np.float32)
///     fold(f.view(np.uint32)[~np.isnan(f)])             # every half
///     p = hash32(7, i); q = hash32(8, i) & 0x8FFFFFFF | 0x30000000   # i = 0 ..< 2¹⁸
///     x = np.concatenate([p, q]).view(np.float32); x = x[~np.isnan(x)]
///     fold(x.astype(np.float16).view(np.uint16))        # floats to half
///
/// numpy has no bfloat16: those values are the nearer of the two neighbours by exact differences
/// in float64, the even one of two that are equally near (2¹²⁸ standing for infinity).
struct FloatRoundingTests {
  /// Floats over the whole range of bits, then with exponents −31 to 0, where half precision
  /// has its subnormals; NaNs left out.
  private static var floats: [Float] {
    let whole = (0..<UInt32(1 << 18)).map { hash32(7, $0) }
    let small = (0..<UInt32(1 << 18)).map { hash32(8, $0) & 0x8FFF_FFFF | 0x3000_0000 }
    return (whole + small).map { Float(bitPattern: $0) }.filter { !$0.isNaN }
  }

  private func fold(_ bits: some Sequence<some FixedWidthInteger>) -> UInt64 {
    bits.reduce(0) { $0 &* 31 &+ UInt64(truncatingIfNeeded: $1) }
  }

  @Test func `every half is the float that numpy makes of it`() {
    let floats = (0...UInt16.max).map { Float16Bits.float($0) }.filter { !$0.isNaN }
    #expect(floats.count == 63490)
    #expect(fold(floats.map(\.bitPattern)) == 0xAB48_3B91_C800_0000)
  }

  /// IEEE 754: (−1)^sign · 2^(exponent − 15) · 1.significand, or 2⁻²⁴ · significand.
  @Test func `every half is its sign, exponent and significand put together`() {
    let wrong = (0...UInt16.max).filter { bits in
      let exponent = Int(bits >> 10 & 31)
      let significand = Double(bits & 1023)
      let sign: Double = bits >> 15 == 1 ? -1 : 1
      let value = Float16Bits.float(bits)
      if exponent == 31, significand != 0 { return !value.isNaN }
      let magnitude =
        switch exponent {
        case 31: Double.infinity
        case 0: significand * 0x1p-24
        default: (1024 + significand) * Double(sign: .plus, exponent: exponent - 25, significand: 1)
        }
      return Double(value) != sign * magnitude || (value.sign == .minus) != (sign < 0)
    }
    #expect(wrong == [])
  }

  @Test func `every half comes back from its float`() {
    let wrong = (0...UInt16.max).filter { bits in
      let value = Float16Bits.float(bits)
      return !value.isNaN && Float16Bits.bits(value) != bits
    }
    #expect(wrong == [])
  }

  @Test func `every bfloat16 comes back from its float`() {
    let wrong = (0...UInt16.max).filter { bits in
      let value = BFloat16Bits.float(bits)
      if value.isNaN { return bits & 0x7F80 != 0x7F80 }
      return BFloat16Bits.bits(value) != bits || value.bitPattern != UInt32(bits) << 16
    }
    #expect(wrong == [])
  }

  @Test func `half a million floats round to halves as in numpy`() {
    let bits = Self.floats.map { Float16Bits.bits($0) }
    #expect(bits.count == 523_222)
    #expect(fold(bits) == 0x0E82_0A45_681B_993F)
  }

  @Test func `floats round to the nearer bfloat16`() {
    let every8th = Self.floats.enumerated().filter { $0.offset % 8 == 0 }
    let bits = every8th.map { BFloat16Bits.bits($0.element) }
    #expect(bits.count == 65403)
    #expect(fold(bits) == 0x53FB_3776_C86F_3EBC)
  }

  /// `np.float32(float.fromhex(x)).astype(np.float16).view(np.uint16)`
  @Test(arguments: [
    (0x0p+0, 0x0000), (-0x0p+0, 0x8000), (0x1p+0, 0x3C00), (0x1.004p+0, 0x3C01),
    // Ties, to the even neighbour; and just beyond one.
    (0x1.002p+0, 0x3C00), (0x1.006p+0, 0x3C02), (0x1.002002p+0, 0x3C01),
    // The largest, the last float that rounds to it, and the first that overflows.
    (0x1.ffcp+15, 0x7BFF), (0x1.ffdffep+15, 0x7BFF), (0x1.ffep+15, 0x7C00), (0x1p+16, 0x7C00),
    // The smallest normal number and those below it, to the smallest.
    (0x1p-14, 0x0400), (0x1.ff8p-15, 0x03FF), (0x1.ffcp-15, 0x0400), (0x1.ffep-15, 0x0400),
    (0x1p-24, 0x0001), (0x1p-25, 0x0000), (0x1.000002p-25, 0x0001), (0x1.8p-24, 0x0002),
    (0x1.8p-25, 0x0001), (0x1p-26, 0x0000), (0x1p-149, 0x0000), (0x1.921fb6p+1, 0x4248),
    (-0x1.921fb6p+1, 0xC248), (.infinity, 0x7C00), (-.infinity, 0xFC00),
  ])
  func `a float rounds to the half that numpy has for it`(value: Float, bits: UInt16) {
    #expect(Float16Bits.bits(value) == bits)
  }

  /// By the rule at the head of this suite.
  @Test(arguments: [
    (0x0p+0, 0x0000), (-0x0p+0, 0x8000), (0x1p+0, 0x3F80), (0x1.02p+0, 0x3F81),
    (0x1.01p+0, 0x3F80), (0x1.03p+0, 0x3F82), (0x1.010002p+0, 0x3F81), (0x1.fep+127, 0x7F7F),
    (0x1.fefffep+127, 0x7F7F), (0x1.ffp+127, 0x7F80), (0x1.fffffep+127, 0x7F80),
    (0x1p-133, 0x0001), (0x1p-134, 0x0000), (0x1.000002p-126, 0x0080), (0x1.8p-133, 0x0002),
    (0x1.8p-134, 0x0001), (0x1p-149, 0x0000), (0x1.921fb6p+1, 0x4049),
    (-0x1.921fb6p+1, 0xC049), (.infinity, 0x7F80), (-.infinity, 0xFF80),
  ])
  func `a float rounds to the nearest bfloat16, ties to even`(value: Float, bits: UInt16) {
    #expect(BFloat16Bits.bits(value) == bits)
  }

  /// Those with the low bits alone set would become infinities if they were only cut.
  @Test(arguments: [0x7FC0_0000, 0xFFC0_0000, 0x7F80_0001, 0xFF80_0001, 0x7FFF_FFFF, 0xFFFF_FFFF])
  func `NaN stays NaN and keeps its sign`(pattern: UInt32) {
    let value = Float(bitPattern: pattern)
    let half = Float16Bits.float(Float16Bits.bits(value))
    let brain = BFloat16Bits.float(BFloat16Bits.bits(value))
    #expect(half.isNaN)
    #expect(brain.isNaN)
    #expect(half.sign == value.sign)
    #expect(brain.sign == value.sign)
  }
}
