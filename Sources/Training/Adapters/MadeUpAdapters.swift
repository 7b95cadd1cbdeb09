import Kernels

/// Adapters that nobody trained: as one begins, when they change nothing but for a prefix; or as they are after
/// some steps, so that nothing in them is 0.
package struct MadeUpAdapters: AdapterWeights {
  package let seed: UInt64
  package let isFresh: Bool

  /// The same seed gives the same numbers.
  package init(seed: UInt64, isFresh: Bool = false) {
    self.seed = seed
    self.isFresh = isFresh
  }

  package func fill(
    _ name: String, _ part: AdapterPart, rows: Int, columns: Int,
    into numbers: UnsafeMutablePointer<Float>
  ) {
    // The name's own stream, by FNV-1a.
    let hash = name.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
    let mixed = hash32(UInt32(truncatingIfNeeded: seed) &+ 4099, hash)
    let (middle, size): (Float, Float) =
      switch part {
      case .down: (0, 1 / Float(columns).squareRoot())
      case .up: (0, isFresh ? 0 : 0.02)
      case .prefix: (0, 0.5)
      case .factor: (1, isFresh ? 0 : 0.25)
      }
    for index in 0..<rows * columns { numbers[index] = middle + size * uniform(mixed, index) }
  }
}
