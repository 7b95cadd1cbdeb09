import CMicrokernels
package import Quantities

/// Cosines and sines of positions, made ahead of time, in fp32; and the loop that rotates by them.
package final class RotaryTable: Sendable {
  private let allocation: Allocation
  private let first: Int
  private let pairs: Int
  private let apart: Int32
  private let loop: hr_rope

  /// Bytes of a cosine and a sine in fp32 for each pair of each position.
  package static func bytes(positions: Int, headDim: Int) -> Bytes {
    Bytes(4 * positions * (headDim / 2 * 2))
  }

  /// - Parameters:
  ///   - loop: of the precision in which heads are stored.
  ///   - isBackward: whether it rotates the other way, as gradients go.
  /// - Throws: `LedgerFault` where the table does not fit.
  init(
    _ rotary: Rotary, headDim: Int, positions: Range<Int>, isBackward: Bool = false,
    loop: @escaping hr_rope, in ledger: MemoryLedger
  ) throws {
    pairs = headDim / 2
    apart = rotary.layout == .neox ? 1 : 0
    first = positions.lowerBound
    self.loop = loop
    allocation = try ledger.allocate(
      Self.bytes(positions: positions.count, headDim: headDim), role: .workspace)
    if !ledger.isPlan {
      fill(rotary.angles(headDim: headDim), positions, sign: isBackward ? -1 : 1)
    }
  }

  /// A table for heads in fp32.
  ///
  /// - Throws: `LedgerFault` where it does not fit.
  package convenience init(
    _ rotary: Rotary, headDim: Int, positions: Range<Int>, isBackward: Bool = false,
    instructions: InstructionSet, in ledger: MemoryLedger
  ) throws {
    try self.init(
      rotary, headDim: headDim, positions: positions, isBackward: isBackward,
      loop: instructions.rope(.fp32), in: ledger)
  }

  private func fill(_ angles: RotaryAngles, _ positions: Range<Int>, sign: Float) {
    let numbers = allocation.start.assumingMemoryBound(to: Float.self)
    for position in positions {
      let (cosines, sines) = angles.cosinesAndSines(at: position)
      let row = numbers + (position - first) * 2 * pairs
      for pair in 0..<pairs {
        row[pair] = Float(cosines[pair])
        row[pairs + pair] = sign * Float(sines[pair])
      }
    }
  }

  /// One head's numbers; `to` may be `from`.
  package func rotate(_ from: UnsafeRawPointer, at position: Int, to: UnsafeMutableRawPointer) {
    let row = allocation.start.assumingMemoryBound(to: Float.self) + (position - first) * 2 * pairs
    loop(from, row, row + pairs, Int64(pairs), apart, to)
  }
}
