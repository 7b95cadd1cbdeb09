import Kernels
import Testing

@Suite struct HalfPrecisionTests {
  /// Every binary16 that is a number, as NumPy widens it: FNV-1a over the 32-bit patterns of
  /// `numpy.arange(65536, dtype=uint16).view(float16).astype(float32)` without the NaNs.
  @Test func `every half widens as NumPy's does`() {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for bits in UInt16.min...UInt16.max {
      let value = Float16Bits.float(bits)
      let isNaN = bits & 0x7C00 == 0x7C00 && bits & 0x3FF != 0
      #expect(value.isNaN == isNaN)
      if !isNaN { hash = (hash ^ UInt64(value.bitPattern)) &* 0x100_0000_01B3 }
    }
    #expect(hash == 0xA4D3_893B_FED7_8FED)
  }

  @Test func `every half that is a number survives the way to Float and back`() {
    for bits in UInt16.min...UInt16.max where !Float16Bits.float(bits).isNaN {
      #expect(Float16Bits.bits(Float16Bits.float(bits)) == bits)
    }
  }

  /// `numpy.array(values, dtype=float32).astype(float16).view(uint16)`: ties, subnormals, overflow.
  @Test(
    arguments: [
      (0, 0), (-0.0, 0x8000), (1, 0x3C00), (1 / 3, 0x3555), (65504, 0x7BFF), (65519.99, 0x7BFF),
      (65520, 0x7C00), (1e6, 0x7C00), (5.9604645e-08, 1), (2.9802322e-08, 0), (2.9802326e-08, 1),
      (6.0975552e-05, 0x3FF), (6.1e-05, 0x3FF), (1.0004883, 0x3C00), (1.0014648, 0x3C02),
      (2049, 0x6800), (2051, 0x6802), (-1.5, 0xBE00), (.infinity, 0x7C00),
    ] as [(Float, UInt16)])
  func `a Float rounds to the half that NumPy rounds it to`(value: Float, bits: UInt16) {
    #expect(Float16Bits.bits(value) == bits)
  }

  /// `(u + 0x7fff + ((u >> 16) & 1)) >> 16` over NumPy's float32 patterns.
  @Test(
    arguments: [
      (0, 0), (1, 0x3F80), (1 / 3, 0x3EAB), (1.00390625, 0x3F80), (1.01171875, 0x3F82),
      (3.4e38, 0x7F80), (0x1p-133, 1),
    ] as [(Float, UInt16)])
  func `a Float rounds to the nearest bfloat16, ties to even`(value: Float, bits: UInt16) {
    #expect(BFloat16Bits.bits(value) == bits)
  }

  @Test func `NaN stays NaN`() {
    let odd = Float(bitPattern: 0x7F80_0001)
    #expect(Float16Bits.float(Float16Bits.bits(odd)).isNaN)
    #expect(BFloat16Bits.float(BFloat16Bits.bits(odd)).isNaN)
    #expect(Float16Bits.float(Float16Bits.bits(.nan)).isNaN)
  }
}
