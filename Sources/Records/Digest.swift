package import Foundation

/// 64 bits that tell contents apart: not against an adversary.
///
/// - Source: FNV-1a (Fowler, Noll and Vo, 1991).
package struct Digest: Hashable, Sendable {
  private var bits: UInt64 = 0xCBF2_9CE4_8422_2325

  package init() {}

  package init(_ data: Data) {
    for byte in data { take(UInt64(byte)) }
  }

  package init(path: String) {
    for byte in path.utf8 { take(UInt64(byte)) }
  }

  /// A byte, or a word of eight at a time: each gives digests of its own.
  package mutating func take(_ word: UInt64) { bits = (bits ^ word) &* 0x0000_0100_0000_01B3 }

  package var text: String { String(bits, radix: 16) }
}
