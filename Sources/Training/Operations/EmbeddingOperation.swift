import Kernels
import Quantities

/// The rows of the embedding that the tokens name.
final class EmbeddingOperation: TapeOperation {
  let name = "embedding"
  let layer: Int? = nil
  let inputs: [Value] = []
  let outputs: [Value]
  let parameters: [Parameter]
  let flows: [GradientFlow] = []
  let backwardReads: [Value] = []
  private let embedding: TokenEmbedding
  private let batch: TrainingBatch

  init(
    _ table: Parameter, to y: Value, batch: TrainingBatch, _ embedding: TokenEmbedding
  ) {
    outputs = [y]
    parameters = [table]
    self.batch = batch
    self.embedding = embedding
  }

  func forward(_ bound: Bound) -> () -> Void {
    let (y, table, batch) = (bound.value(outputs[0]), parameters[0], batch)
    return { [embedding, state = bound.state] in
      embedding.forward(
        batch.ids(state.microBatch), tokens: batch.rows, table: table.tensor.start, to: y.start)
    }
  }

  func backward(_ bound: Bound) -> () -> Void {
    guard let gradient = bound.gradient(of: parameters[0]) else { return {} }
    let (dy, batch, count) = (bound.gradient(outputs[0]), batch, parameters[0].count)
    return { [embedding, state = bound.state] in
      if !gradient.adds() { gradient.to.update(repeating: 0, count: count) }
      embedding.backward(
        batch.ids(state.microBatch), tokens: batch.rows, dy: dy.pointer(to: Float.self),
        to: gradient.to)
    }
  }
}
