/// A generator whose numbers follow from its seed alone, in every version of this program:
/// a recorded seed must mean the same order forever, which the standard library does not promise.
///
/// - Source: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (2014);
///   the constants are those of Vigna's `splitmix64.c` (2015).
package struct SplitMix64: Sendable {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Self.scrambled(state)
  }

  /// A seed that is unlike its neighbours': what begins side by side must not run side by side.
  package static func scrambled(_ seed: UInt64) -> UInt64 {
    var bits = seed
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return bits ^ (bits >> 31)
  }

  /// A number under `bound`; with bounds of plans the bias is below 2⁻⁴⁷.
  package mutating func next(under bound: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// The elements in an order that the seed decides (Fisher and Yates, after Durstenfeld, 1964).
  package mutating func shuffled<Element>(_ elements: [Element]) -> [Element] {
    var elements = elements
    for last in stride(from: elements.count - 1, to: 0, by: -1) {
      elements.swapAt(last, next(under: last + 1))
    }
    return elements
  }
}
