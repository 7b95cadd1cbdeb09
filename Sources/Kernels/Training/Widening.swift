package import Quantities

/// Activations as they are stored that become numbers in fp32 again.
///
/// - Work: reads the stored ones, writes 4 bytes a number.
/// - Error: none.
package struct Widening: Sendable {
  package let activations: FloatFormat

  package init(_ activations: FloatFormat) { self.activations = activations }

  /// Some of the numbers, to where `to` begins; the caller's thread does it.
  package func run(
    _ from: UnsafeRawPointer, _ numbers: Range<Int>, to: UnsafeMutablePointer<Float>
  ) {
    let start = from + activations.bytes(of: numbers.lowerBound).count
    switch activations {
    case .fp32: to.update(from: start.assumingMemoryBound(to: Float.self), count: numbers.count)
    case .fp16: widen(StoredFP16.self, start, numbers.count, to)
    case .bf16: widen(StoredBF16.self, start, numbers.count, to)
    }
  }
}

@inline(__always)
private func widen<S: StoredElement>(
  _: S.Type, _ from: UnsafeRawPointer, _ count: Int, _ to: UnsafeMutablePointer<Float>
) {
  let stored = from.assumingMemoryBound(to: S.Bits.self)
  for index in 0..<count { to[index] = S.widen(stored[index]) }
}
