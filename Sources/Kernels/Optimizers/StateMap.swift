/// The levels that a state of 8 bits has, and the codes of numbers between them.
///
/// A number ÷ the largest of its block is first rounded to one of 65536 places from −1 to 1, and has that
/// place's code, as bitsandbytes has it on processors: one that lies between two levels may so get the second
/// nearest.
///
/// - Source: Dettmers et al., "8-bit Optimizers via Block-wise Quantization" (2022), section 2.
struct StateMap {
  static let first = StateMap(DynamicMap.levels)
  static let second = StateMap(DynamicMap.unsignedLevels)

  let levels: [Float]
  private let codes: [UInt8]

  private init(_ levels: [Float]) {
    self.levels = levels
    let middles = zip(levels, levels.dropFirst()).map { ($0 + $1) * 0.5 }
    var code = 0
    codes = (0..<1 << 16).map { place in
      let value = Float(2 * place) / 65535 - 1
      while code < middles.count, middles[code] < value { code += 1 }
      return UInt8(code)
    }
  }

  /// The code of a number of a block with this scale.
  func code(_ value: Float, scale: Float) -> UInt8 {
    guard scale > 0 else { return 0 }
    let unit = max(-1, min(1, value * (1 / scale)))
    return codes[Int(Float(0.5).addingProduct((unit + 1) * 0.5, 65535))]
  }
}
