import Kernels
import Quantities

/// Logits, the loss, and the gradients of both its operands, at once.
final class LossOperation: TapeOperation {
  let name = "loss"
  let layer: Int? = nil
  let inputs: [Value]
  let outputs: [Value] = []
  let parameters: [Parameter]
  let flows: [GradientFlow] = [.computed]
  let isLoss = true
  let backwardScratch: [Int]
  private let loss: LinearCrossEntropy
  private let batch: TrainingBatch

  init(_ x: Value, weights: Parameter, batch: TrainingBatch, _ loss: LinearCrossEntropy) {
    inputs = [x]
    parameters = [weights]
    self.batch = batch
    self.loss = loss
    let held = LinearCrossEntropy.sizes(
      rows: batch.rows, vocabulary: loss.vocabulary, loss.chunks)
    backwardScratch = [held.rows * held.outputs, 3 * batch.rows]
  }

  var backwardReads: [Value] { inputs }

  /// Logits, the gradient of the rows, and that of the weights; by parts of the vocabulary, logits twice.
  func backwardFlops(inputs: [Bool]) -> FlopCount {
    let product = 2 * batch.rows * loss.vocabulary * loss.columns
    let model = product * (parameters[0].isTrained ? 3 : 2)
    if case .vocabulary = loss.chunks {
      return FlopCount(model: model, executed: model + product)
    }
    return FlopCount(model)
  }

  func forward(_ bound: Bound) -> () -> Void { {} }

  func backward(_ bound: Bound) -> () -> Void {
    let x = bound.value(inputs[0])
    let dx = bound.gradient(inputs[0]).pointer(to: Float.self)
    guard let weights = parameters[0].matrix(roundedTo: loss.activations) else {
      preconditionFailure("the matrix of the logits is stored as plain numbers")
    }
    let (logits, rowSums) = (bound.floats(0), bound.floats(1))
    let gradient = bound.gradient(of: parameters[0])
    return { [loss, batch, state = bound.state] in
      state.loss += loss.run(
        LinearCrossEntropy.Operands(
          x: x.start, w: weights, targets: batch.targets(state.microBatch), rows: batch.rows,
          logits: logits, rowSums: rowSums, dx: dx, dw: gradient?.to,
          dwAccumulates: gradient?.adds() ?? false),
        by: state.lossFactor)
    }
  }
}
