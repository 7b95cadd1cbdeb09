package import Quantities

/// Cosines and sines of positions, made ahead of time: position × (cosines, sines) × head-dim / 2, in fp32.
package final class RotaryTable: Sendable {
  private let allocation: Allocation
  private let pairs: Int
  /// The first position that is there.
  let first: Int

  package static func bytes(positions: Int, headDim: Int) -> Bytes {
    Bytes(4 * positions * (headDim / 2 * 2))
  }

  init(angles: RotaryAngles, positions: Range<Int>, in ledger: MemoryLedger) throws {
    pairs = angles.steps.count
    first = positions.lowerBound
    allocation = try ledger.allocate(
      Self.bytes(positions: positions.count, headDim: 2 * pairs), role: .workspace)
    let numbers = allocation.start.assumingMemoryBound(to: Float.self)
    for position in positions {
      let (cosines, sines) = angles.turn(at: position)
      let row = numbers + (position - first) * 2 * pairs
      for pair in 0..<pairs {
        row[pair] = Float(cosines[pair])
        row[pairs + pair] = Float(sines[pair])
      }
    }
  }

  /// A position's cosines; its sines follow.
  func row(_ position: Int) -> UnsafePointer<Float> {
    UnsafePointer(allocation.start.assumingMemoryBound(to: Float.self))
      + (position - first) * 2 * pairs
  }
}
