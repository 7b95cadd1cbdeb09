/// A counter-based generator: the same seed and index always give the same 32 bits,
/// whatever was drawn before, so that operands can be filled in any order.
///
/// - Source: the finalizer of MurmurHash3 (Appleby, 2011), over index × golden ratio + seed.
@inline(__always)
package func hash32(_ seed: UInt32, _ index: UInt32) -> UInt32 {
  var bits = index &* 0x9E37_79B9 &+ seed
  bits ^= bits >> 16
  bits = bits &* 0x85EB_CA6B
  bits ^= bits >> 13
  bits = bits &* 0xC2B2_AE35
  bits ^= bits >> 16
  return bits
}
