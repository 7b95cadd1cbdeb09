import CMicrokernels
import Quantities

/// Cosines and sines of positions, made ahead of time, in fp32; and the loop that turns by them.
final class RotaryTable: Sendable {
  private let allocation: Allocation
  private let first: Int
  private let pairs: Int
  private let apart: Int32
  private let turn: hr_rope

  static func bytes(positions: Int, headDim: Int) -> Bytes {
    Bytes(4 * positions * (headDim / 2 * 2))
  }

  init(
    angles: RotaryAngles, layout: RotaryLayout, positions: Range<Int>, turn: @escaping hr_rope,
    in ledger: MemoryLedger
  ) throws {
    pairs = angles.steps.count
    apart = layout == .neox ? 1 : 0
    first = positions.lowerBound
    self.turn = turn
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

  /// One head's numbers; `to` may be `from`.
  func turn(_ from: UnsafeRawPointer, at position: Int, to: UnsafeMutableRawPointer) {
    let row = allocation.start.assumingMemoryBound(to: Float.self) + (position - first) * 2 * pairs
    turn(from, row, row + pairs, Int64(pairs), apart, to)
  }
}
