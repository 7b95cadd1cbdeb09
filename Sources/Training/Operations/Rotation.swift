import Kernels
import Quantities

/// Queries and keys rotated by their positions where they are, and their gradients rotated back.
final class Rotation {
  private let ahead: RotaryTable
  private let back: RotaryTable
  private let headDim: Int
  private let batch: TrainingBatch
  private let pool: ThreadPool

  init(
    _ rotary: Rotary, headDim: Int, batch: TrainingBatch, instructions: InstructionSet,
    _ execution: Execution
  ) throws {
    let positions = 0..<batch.positionCount
    ahead = try RotaryTable(
      rotary, headDim: headDim, positions: positions, instructions: instructions,
      in: execution.ledger)
    back = try RotaryTable(
      rotary, headDim: headDim, positions: positions, isBackward: true,
      instructions: instructions, in: execution.ledger)
    self.headDim = headDim
    self.batch = batch
    pool = execution.pool
  }

  /// Rows of fp32, where they are.
  func forward(_ numbers: UnsafeMutablePointer<Float>, rows: Int, columns: Int) {
    rotate(numbers, rows, columns, ahead)
  }
  func backward(_ numbers: UnsafeMutablePointer<Float>, rows: Int, columns: Int) {
    rotate(numbers, rows, columns, back)
  }

  private func rotate(
    _ numbers: UnsafeMutablePointer<Float>, _ rows: Int, _ columns: Int, _ table: RotaryTable
  ) {
    pool.share(rows, least: 16) { own, _ in
      for row in own {
        let position = batch.position(of: row)
        for head in stride(from: row * columns, to: (row + 1) * columns, by: headDim) {
          table.rotate(numbers + head, at: position, to: numbers + head)
        }
      }
    }
  }
}
