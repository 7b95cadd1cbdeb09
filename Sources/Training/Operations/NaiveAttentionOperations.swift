import Kernels
import Quantities

/// What naive attention's two operations share: where the weights of each head of each sequence lie.
struct NaiveAttentionShape {
  let heads: Int
  let kvHeads: Int
  let headDim: Int
  let batch: TrainingBatch
  let tools: LinearOperation.Tools
  let softmax: SoftmaxRows

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

  /// Where a head begins in a row of queries, or of what is as wide; and in a row of keys or values.
  func queryPlace(_ row: Int, _ head: Int) -> Int { row * queryStride + head * headDim }
  func keyPlace(_ row: Int, _ head: Int) -> Int {
    row * keyStride + head / (heads / kvHeads) * headDim
  }
  func queries(_ tensor: Tensor, _ row: Int, _ head: Int) -> Gemm.Matrix {
    stored(tensor, at: queryPlace(row, head), stride: queryStride)
  }
  func keys(_ tensor: Tensor, _ row: Int, _ head: Int) -> Gemm.Matrix {
    stored(tensor, at: keyPlace(row, head), stride: keyStride)
  }
  func square(_ weights: Tensor, _ first: Int, tokens: Int) -> Gemm.Matrix {
    stored(weights, at: first, stride: tokens)
  }
  private func stored(_ tensor: Tensor, at place: Int, stride: Int) -> Gemm.Matrix {
    Gemm.Matrix(
      tensor.start + tools.activations.bytes(of: place).count, stride: stride,
      element: .stored(tools.activations))
  }
  /// A gradient, in fp32.
  func rounded(_ numbers: UnsafePointer<Float>, stride: Int) -> Gemm.Matrix {
    Gemm.Matrix(numbers, stride: stride, element: tools.operand)
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

  /// One square of scores before it is made narrower.
  var forwardScratch: [Int] {
    let longest = shape.batch.sequences.max() ?? 0
    return shape.tools.isWide ? [] : [longest * longest]
  }

  func forward(_ bound: Bound) -> () -> Void {
    let (q, k, p) = (
      bound.value(inputs[0]), bound.value(inputs[1]), bound.value(outputs[0])
    )
    return { [shape, tools = shape.tools] in
      shape.forEach { row, tokens, head, square in
        let scores = tools.isWide ? p.pointer(to: Float.self) + square : bound.floats(0)
        tools.gemm.multiply(
          shape.queries(q, row, head), rows: tokens, k: shape.headDim,
          Gemm.Output(shape.keys(k, row, head), n: tokens, to: scores))
        shape.softmax.causal(scores, tokens: tokens, scale: shape.scale)
        if !tools.isWide {
          tools.narrowing.run(
            scores, count: tokens * tokens,
            to: p.start + tools.activations.bytes(of: square).count)
        }
      }
    }
  }

  /// ds = p ∘ (dp − Σ p ∘ dp) / √head-dim, where dp was.
  func backward(_ bound: Bound) -> () -> Void {
    let (q, k, p) = (
      bound.value(inputs[0]), bound.value(inputs[1]), bound.value(outputs[0])
    )
    let dq = bound.gradient(inputs[0]).pointer(to: Float.self)
    let dk = bound.gradient(inputs[1]).pointer(to: Float.self)
    let dp = bound.gradient(outputs[0]).pointer(to: Float.self)
    return { [shape, tools = shape.tools] in
      shape.forEach { row, tokens, head, square in
        shape.softmax.causalBackward(
          p.start + tools.activations.bytes(of: square).count, dp + square, tokens: tokens,
          scale: shape.scale)
        let slopes = shape.rounded(dp + square, stride: tokens)
        tools.gemm.multiply(
          slopes, rows: tokens, k: tokens,
          Gemm.Output(
            shape.keys(k, row, head).transposed, n: shape.headDim,
            to: dq + shape.queryPlace(row, head), stride: shape.queryStride))
        tools.gemm.multiply(
          slopes.transposed, rows: tokens, k: tokens,
          Gemm.Output(
            shape.queries(q, row, head).transposed, n: shape.headDim,
            to: dk + shape.keyPlace(row, head), stride: shape.keyStride,
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

  private var count: Int { shape.batch.rows * shape.queryStride }
  /// The output before it is made narrower.
  var forwardScratch: [Int] { shape.tools.isWide ? [] : [count] }

  func forward(_ bound: Bound) -> () -> Void {
    let (p, v, o) = (
      bound.value(inputs[0]), bound.value(inputs[1]), bound.value(outputs[0])
    )
    let wide = shape.tools.isWide ? o.pointer(to: Float.self) : bound.floats(0)
    return { [shape, tools = shape.tools, count] in
      shape.forEach { row, tokens, head, square in
        tools.gemm.multiply(
          shape.square(p, square, tokens: tokens), rows: tokens, k: tokens,
          Gemm.Output(
            shape.keys(v, row, head).transposed, n: shape.headDim,
            to: wide + shape.queryPlace(row, head), stride: shape.queryStride))
      }
      if !tools.isWide { tools.narrowing.run(wide, count: count, to: o.start) }
    }
  }

  func backward(_ bound: Bound) -> () -> Void {
    let (p, v) = (bound.value(inputs[0]), bound.value(inputs[1]))
    let dp = bound.gradient(inputs[0]).pointer(to: Float.self)
    let dv = bound.gradient(inputs[1]).pointer(to: Float.self)
    let dy = bound.gradient(outputs[0]).pointer(to: Float.self)
    return { [shape, tools = shape.tools] in
      shape.forEach { row, tokens, head, square in
        let gradient = shape.rounded(
          dy + shape.queryPlace(row, head), stride: shape.queryStride)
        tools.gemm.multiply(
          gradient, rows: tokens, k: shape.headDim,
          Gemm.Output(shape.keys(v, row, head), n: tokens, to: dp + square))
        tools.gemm.multiply(
          shape.square(p, square, tokens: tokens).transposed, rows: tokens, k: tokens,
          Gemm.Output(
            gradient.transposed, n: shape.headDim, to: dv + shape.keyPlace(row, head),
            stride: shape.keyStride, accumulates: !shape.isFirst(head)))
      }
    }
  }
}
