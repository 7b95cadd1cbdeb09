import CMicrokernels

/// The levels that states of 8 bits have, and the codes of numbers between them.
///
/// A number ÷ the largest of its block is first rounded to one of 65536 places from −1 to 1, and has that
/// place's code, as bitsandbytes has it on processors: one that lies between two levels may so get the second
/// nearest.
///
/// - Source: Dettmers et al., "8-bit Optimizers via Block-wise Quantization" (2022), section 2.
final class StateMaps: @unchecked Sendable {
  static let shared = StateMaps()

  private let levels: UnsafeMutablePointer<Float>
  private let codes: UnsafeMutablePointer<UInt8>
  private static let places = 1 << 16
  /// Three bytes more than it has are read of a table.
  private static let stride = places + 64

  private init() {
    levels = .allocate(capacity: 512)
    codes = .allocate(capacity: 2 * Self.stride)
    codes.initialize(repeating: 0, count: 2 * Self.stride)
    for (index, map) in [DynamicMap.levels, DynamicMap.unsignedLevels].enumerated() {
      for (code, level) in map.enumerated() { (levels + 256 * index + code).initialize(to: level) }
      let middles = zip(map, map.dropFirst()).map { ($0 + $1) * 0.5 }
      var code = 0
      for place in 0..<Self.places {
        let value = Float(2 * place) / 65535 - 1
        while code < middles.count, middles[code] < value { code += 1 }
        codes[Self.stride * index + place] = UInt8(code)
      }
    }
  }

  var loops: hr_state_maps {
    hr_state_maps(
      first_levels: levels, second_levels: levels + 256, first_codes: codes,
      second_codes: codes + Self.stride, first_zero: Self.zero(DynamicMap.levels),
      second_zero: Self.zero(DynamicMap.unsignedLevels))
  }

  private static func zero(_ levels: [Float]) -> UInt8 { UInt8(levels.firstIndex(of: 0) ?? 0) }

  /// The code of a number of a block with this scale.
  static func code(_ value: Float, _ scale: Float, _ codes: UnsafePointer<UInt8>) -> UInt8 {
    guard scale > 0 else { return 0 }
    let unit = max(-1, min(1, value * (1 / scale)))
    return codes[Int(((unit + 1) * 0.5).addingProduct65535)]
  }
}

extension Float {
  /// self · 65535 + ½, rounded once.
  fileprivate var addingProduct65535: Float { Float(0.5).addingProduct(self, 65535) }
}
