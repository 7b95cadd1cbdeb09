package import Kernels
import Quantities

/// The tokens of a step: micro-batches of the same sequences' lengths, one after the other.
///
/// Sequences lie one after the other without padding; each counts its positions anew and sees itself alone.
package final class TrainingBatch: @unchecked Sendable {
  /// Lengths of a micro-batch's sequences.
  package let sequences: [Int]
  package let accumulation: Int
  /// Micro-batches × rows, as 32-bit whole numbers.
  package let idTensor: Tensor
  /// Likewise; less than 0 where a row has no loss.
  package let targetTensor: Tensor
  /// Positions that a sequence's first token has before it: those of a prefix.
  package let offset: Int
  private let positions: [Int]

  /// A stretch of sequences that are equally long.
  struct Stretch {
    let rows: Range<Int>
    let count: Int
    let tokens: Int
  }

  /// - Parameters:
  ///   - sequences: lengths, of one micro-batch.
  ///   - offset: the position of each sequence's first token.
  package init(
    sequences: [Int], accumulation: Int = 1, offset: Int = 0, ids: Tensor, targets: Tensor
  ) {
    self.offset = offset
    self.sequences = sequences
    self.accumulation = accumulation
    idTensor = ids
    targetTensor = targets
    positions = sequences.flatMap { Array(offset..<offset + $0) }
  }

  /// Of a micro-batch.
  package var rows: Int { positions.count }
  /// Positions from 0 to the last of any sequence.
  var positionCount: Int { offset + (sequences.max() ?? 0) }

  func position(of row: Int) -> Int { positions[row] }

  func ids(_ microBatch: Int) -> UnsafePointer<Int32> {
    UnsafePointer(idTensor.pointer(to: Int32.self)) + microBatch * rows
  }

  func targets(_ microBatch: Int) -> UnsafePointer<Int32> {
    UnsafePointer(targetTensor.pointer(to: Int32.self)) + microBatch * rows
  }

  /// Rows of the whole step that have a target.
  var targetCount: Int {
    let all = targetTensor.pointer(to: Int32.self)
    return (0..<rows * accumulation).count { all[$0] >= 0 }
  }

  /// - Parameter longer: what each sequence is lengthened by.
  func stretches(longer: Int = 0) -> [Stretch] {
    let sequences = sequences.map { $0 + longer }
    var found: [Stretch] = []
    var row = 0
    var index = 0
    while index < sequences.count {
      let tokens = sequences[index]
      let count = sequences[index...].prefix { $0 == tokens }.count
      found.append(Stretch(rows: row..<row + count * tokens, count: count, tokens: tokens))
      row += count * tokens
      index += count
    }
    return found
  }
}
