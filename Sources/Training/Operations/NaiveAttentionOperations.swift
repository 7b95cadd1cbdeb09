import Kernels
import Quantities

/// What naive attention's two operations share: where the weights of each head of each sequence lie.
struct NaiveAttentionShape {
  let heads: Int
  let kvHeads: Int
  let headDim: Int
  let batch: TrainingBatch
  let gemm: Gemm
  let loss: SoftmaxRows

  var scale: Float { 1 / Float(headDim).squareRoot() }
  var queryStride: Int { heads * headDim }
  var keyStride: Int { kvHeads * headDim }
  /// Weights of a query with each key of its sequence, whether it sees it or not.
  var weights: Int { batch.sequences.reduce(0) { $0 + $1 * $1 } * heads }
  /// All products are of whole squares.
  var flops: Int { 2 * weights * headDim }
  var modelFlops: Int {
    2 * headDim * heads
      * batch.sequences.reduce(0) { $0 + AttentionMask.causal.pairs(of: $1) }
  }

  /// Each head of each sequence: its first row, its tokens, and where its square of weights begins.
  func forEach(_ body: (_ row: Int, _ tokens: Int, _ head: Int, _ square: Int) -> Void) {
    var (row, square) = (0, 0)
    for tokens in batch.sequences {
      for head in 0..<heads {
        body(row, tokens, head, square)
        square += tokens * tokens
      }
      row += tokens
    }
  }

  func queries(_ tensor: Tensor, _ row: Int, _ head: Int) -> UnsafeMutablePointer<Float> {
    tensor.pointer(to: Float.self) + row * queryStride + head * headDim
  }
  func keys(_ tensor: Tensor, _ row: Int, _ head: Int) -> UnsafeMutablePointer<Float> {
    tensor.pointer(to: Float.self) + row * keyStride + head / (heads / kvHeads) * headDim
  }
  /// Whether a head is the first that shares its keys: it writes their gradient.
  func isFirst(_ head: Int) -> Bool { head.isMultiple(of: heads / kvHeads) }
}

/// All weights of attention in memory: p = softmax(q · kᵀ / √head-dim), causal.
final class NaiveScoresOperation: TapeOperation {
  let name = "attention weights"
  let layer: Int?
  let inputs: [Value]
  let outputs: [Value]
  let flows: [GradientFlow] = [.computed, .computed]
  let writesAllGradients = true
  private let shape: NaiveAttentionShape

  init(layer: Int?, q: Value, k: Value, to p: Value, _ shape: NaiveAttentionShape) {
    self.layer = layer
    inputs = [q, k]
    outputs = [p]
    self.shape = shape
  }

  var backwardReads: [Value] { inputs + outputs }
  var forwardFlops: Int { shape.modelFlops }
  func backwardFlops(inputs: [Bool]) -> FlopCount {
    FlopCount(model: 2 * shape.modelFlops, executed: 2 * shape.flops)
  }

  func forward(_ bound: Bound) -> () -> Void {
    let (q, k) = (bound.value(inputs[0]), bound.value(inputs[1]))
    let p = bound.value(outputs[0]).pointer(to: Float.self)
    return { [shape] in
      shape.forEach { row, tokens, head, square in
        shape.gemm.multiply(
          Gemm.Matrix(shape.queries(q, row, head), stride: shape.queryStride), rows: tokens,
          k: shape.headDim,
          Gemm.Output(
            Gemm.Matrix(shape.keys(k, row, head), stride: shape.keyStride), n: tokens,
            to: p + square))
        shape.loss.causal(p + square, tokens: tokens, scale: shape.scale)
      }
    }
  }

  /// ds = p ∘ (dp − Σ p ∘ dp) / √head-dim, where dp was.
  func backward(_ bound: Bound) -> () -> Void {
    let (q, k) = (bound.value(inputs[0]), bound.value(inputs[1]))
    let (dq, dk) = (bound.gradient(inputs[0]), bound.gradient(inputs[1]))
    let p = bound.value(outputs[0]).pointer(to: Float.self)
    let dp = bound.gradient(outputs[0]).pointer(to: Float.self)
    return { [shape] in
      shape.forEach { row, tokens, head, square in
        shape.loss.causalBackward(
          p + square, dp + square, tokens: tokens, scale: shape.scale)
        let slopes = Gemm.Matrix(dp + square, stride: tokens)
        shape.gemm.multiply(
          slopes, rows: tokens, k: tokens,
          Gemm.Output(
            Gemm.Matrix(
              shape.keys(k, row, head), stride: shape.keyStride, isTransposed: true),
            n: shape.headDim, to: shape.queries(dq, row, head), stride: shape.queryStride))
        shape.gemm.multiply(
          slopes.transposed, rows: tokens, k: tokens,
          Gemm.Output(
            Gemm.Matrix(
              shape.queries(q, row, head), stride: shape.queryStride, isTransposed: true),
            n: shape.headDim, to: shape.keys(dk, row, head), stride: shape.keyStride,
            accumulates: !shape.isFirst(head)))
      }
    }
  }
}

/// What the weights make of the values: o = p · v.
final class NaiveValuesOperation: TapeOperation {
  let name = "attention values"
  let layer: Int?
  let inputs: [Value]
  let outputs: [Value]
  let flows: [GradientFlow] = [.computed, .computed]
  let writesAllGradients = true
  private let shape: NaiveAttentionShape

  init(layer: Int?, p: Value, v: Value, to o: Value, _ shape: NaiveAttentionShape) {
    self.layer = layer
    inputs = [p, v]
    outputs = [o]
    self.shape = shape
  }

  var backwardReads: [Value] { inputs }
  var forwardFlops: Int { shape.modelFlops }
  func backwardFlops(inputs: [Bool]) -> FlopCount {
    FlopCount(model: 2 * shape.modelFlops, executed: 2 * shape.flops)
  }

  func forward(_ bound: Bound) -> () -> Void {
    let p = bound.value(inputs[0]).pointer(to: Float.self)
    let (v, o) = (bound.value(inputs[1]), bound.value(outputs[0]))
    return { [shape] in
      shape.forEach { row, tokens, head, square in
        shape.gemm.multiply(
          Gemm.Matrix(p + square, stride: tokens), rows: tokens, k: tokens,
          Gemm.Output(
            Gemm.Matrix(
              shape.keys(v, row, head), stride: shape.keyStride, isTransposed: true),
            n: shape.headDim, to: shape.queries(o, row, head), stride: shape.queryStride))
      }
    }
  }

  func backward(_ bound: Bound) -> () -> Void {
    let p = bound.value(inputs[0]).pointer(to: Float.self)
    let dp = bound.gradient(inputs[0]).pointer(to: Float.self)
    let (v, dv, dy) = (
      bound.value(inputs[1]), bound.gradient(inputs[1]), bound.gradient(outputs[0])
    )
    return { [shape] in
      shape.forEach { row, tokens, head, square in
        let gradient = Gemm.Matrix(shape.queries(dy, row, head), stride: shape.queryStride)
        shape.gemm.multiply(
          gradient, rows: tokens, k: shape.headDim,
          Gemm.Output(
            Gemm.Matrix(shape.keys(v, row, head), stride: shape.keyStride), n: tokens,
            to: dp + square))
        shape.gemm.multiply(
          Gemm.Matrix(p + square, stride: tokens, isTransposed: true), rows: tokens, k: tokens,
          Gemm.Output(
            gradient.transposed, n: shape.headDim, to: shape.keys(dv, row, head),
            stride: shape.keyStride, accumulates: !shape.isFirst(head)))
      }
    }
  }
}
