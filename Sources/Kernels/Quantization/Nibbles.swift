/// Blocks of 32 codes of which sixteen bytes hold 0 to 15 in their low halves, 16 to 31 in their
/// high ones, and a word the fifth bits where there are any.
enum Nibbles {
  @inline(__always)
  static func read(_ bytes: UnsafeRawPointer, into codes: UnsafeMutablePointer<UInt8>) {
    for index in 0..<16 {
      let both = bytes.byte(index)
      codes[index] = both & 15
      codes[16 + index] = both >> 4
    }
  }

  @inline(__always)
  static func read(
    _ bytes: UnsafeRawPointer, fifths: UInt32, into codes: UnsafeMutablePointer<UInt8>
  ) {
    read(bytes, into: codes)
    for index in 0..<32 {
      codes[index] |= UInt8(truncatingIfNeeded: (fifths >> UInt32(index) & 1) << 4)
    }
  }

  /// Codes as `code` gives them; returns the word of their fifth bits.
  @inline(__always) @discardableResult
  static func write(_ bytes: UnsafeMutableRawPointer, code: (Int) -> UInt8) -> UInt32 {
    var fifths: UInt32 = 0
    for index in 0..<16 {
      let (low, high) = (code(index), code(16 + index))
      bytes.setByte(index, low & 15 | high << 4)
      fifths |= UInt32(low >> 4) << UInt32(index) | UInt32(high >> 4) << UInt32(16 + index)
    }
    return fifths
  }
}

/// What a block's scale follows from.
struct BlockExtremes {
  /// The value of the largest magnitude, the first of several.
  var largest: Float = 0
  var least = Float.infinity
  var greatest = -Float.infinity

  @inline(__always)
  init(_ weights: UnsafePointer<Float>, count: Int) {
    for index in 0..<count {
      let weight = weights[index]
      if abs(weight) > abs(largest) { largest = weight }
      if weight < least { least = weight }
      if weight > greatest { greatest = weight }
    }
  }
}

/// 1 / scale; 0 for a scale of 0. A scale so small that it has no inverse in fp32 counts as 0.
@inline(__always)
func inverse(_ scale: Float) -> Float {
  let inverse = scale == 0 ? 0 : 1 / scale
  return inverse.isFinite ? inverse : 0
}
