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

  func forward(_ tensor: Tensor) { rotate(tensor, ahead) }
  func backward(_ tensor: Tensor) { rotate(tensor, back) }

  private func rotate(_ tensor: Tensor, _ table: RotaryTable) {
    let heads = tensor.columns / headDim
    let numbers = tensor.pointer(to: Float.self)
    pool.share(tensor.rows, least: 16) { own, _ in
      for row in own {
        let position = batch.position(of: row)
        for head in 0..<heads {
          let place = numbers + (row * heads + head) * headDim
          table.rotate(place, at: position, to: place)
        }
      }
    }
  }
}
