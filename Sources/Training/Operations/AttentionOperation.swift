import Kernels
import Quantities

/// Causal attention within each sequence, a tile of queries with a tile of keys at a time.
final class AttentionOperation: TapeOperation {
  let name = "attention"
  let layer: Int?
  let inputs: [Value]
  let outputs: [Value]
  let flows: [GradientFlow] = [.computed, .computed, .computed]
  let writesAllGradients = true
  private let kernels: AttentionKernels

  init(
    layer: Int?, q: Value, k: Value, v: Value, to o: Value, logSums: Value,
    _ kernels: AttentionKernels
  ) {
    self.layer = layer
    inputs = [q, k, v]
    outputs = [o, logSums]
    self.kernels = kernels
  }

  var backwardReads: [Value] { inputs + outputs }
  var forwardFlops: Int { 4 * kernels.pairs * kernels.headDim }
  /// Scores are computed again: a fifth product.
  func backwardFlops(inputs: [Bool]) -> FlopCount {
    FlopCount(
      model: 8 * kernels.pairs * kernels.headDim, executed: 10 * kernels.pairs * kernels.headDim)
  }

  /// The output before it is made narrower.
  var forwardScratch: [Int] { kernels.isWide ? [] : [kernels.outputs] }

  func forward(_ bound: Bound) -> () -> Void {
    let o = bound.value(outputs[0])
    let wide = kernels.isWide ? o : bound.scratch[0].shaped(o.shape)
    let calls = kernels.forward(
      q: bound.value(inputs[0]), k: bound.value(inputs[1]), v: bound.value(inputs[2]), o: wide,
      logSums: bound.value(outputs[1]))
    return { [narrowing = kernels.narrowing] in
      for call in calls { call.run() }
      if wide !== o {
        narrowing.run(wide.pointer(to: Float.self), count: o.count, to: o.start)
      }
    }
  }

  func backward(_ bound: Bound) -> () -> Void {
    let calls = kernels.backward(
      q: bound.value(inputs[0]), k: bound.value(inputs[1]), v: bound.value(inputs[2]),
      o: bound.value(outputs[0]), logSums: bound.value(outputs[1]),
      gradient: bound.gradient(outputs[0]), dq: bound.gradient(inputs[0]),
      dk: bound.gradient(inputs[1]), dv: bound.gradient(inputs[2]))
    return { for (kernel, operands) in calls { kernel.run(operands) } }
  }
}

/// The kernels of attention that all layers share, one for each stretch of equally long sequences.
///
/// A prefix lengthens each sequence.
final class AttentionKernels {
  let headDim: Int
  /// Of a query and a key that it sees, in all heads of all sequences.
  let pairs: Int
  /// Numbers that it writes.
  let outputs: Int
  let narrowing: Narrowing
  private let stretches: [Stretch]

  /// Whether the kernels write what is kept.
  var isWide: Bool { narrowing.isWide }

  private struct Stretch {
    let rows: Range<Int>
    let forward: LayeredAttention
    let backward: AttentionBackward
  }

  init(
    heads: Int, kvHeads: Int, headDim: Int, batch: TrainingBatch, prefix: Int = 0,
    _ narrowing: Narrowing, instructions: InstructionSet, _ execution: Execution
  ) throws {
    self.headDim = headDim
    self.narrowing = narrowing
    outputs = batch.rows * heads * headDim
    var (pairs, stretches) = (0, [Stretch]())
    for stretch in batch.stretches(longer: prefix) {
      let attention = AttentionPrefill(
        batch: stretch.count, heads: heads, kvHeads: kvHeads, headDim: headDim,
        tokens: stretch.tokens, precision: narrowing.activations, instructions: instructions)
      pairs += stretch.count * heads * AttentionMask.causal.pairs(of: stretch.tokens)
      stretches.append(
        Stretch(
          rows: stretch.rows, forward: try LayeredAttention(attention, execution),
          backward: try AttentionBackward(attention, execution)))
    }
    self.pairs = pairs
    self.stretches = stretches
  }

  func forward(q: Tensor, k: Tensor, v: Tensor, o: Tensor, logSums: Tensor) -> [any Kernel] {
    stretches.map { stretch in
      let rows = stretch.rows
      return stretch.forward.kernel(
        AttentionPrefill.Tensors(
          q: q.slice(rows), k: k.slice(rows), v: v.slice(rows), o: o.slice(rows),
          logSums: logSums.slice(rows)))
    }
  }

  func backward(
    q: Tensor, k: Tensor, v: Tensor, o: Tensor, logSums: Tensor, gradient: Tensor, dq: Tensor,
    dk: Tensor, dv: Tensor
  ) -> [(AttentionBackward, AttentionBackward.Operands)] {
    stretches.map { stretch in
      let rows = stretch.rows
      func floats(_ tensor: Tensor) -> UnsafeMutablePointer<Float> {
        tensor.slice(rows).pointer(to: Float.self)
      }
      return (
        stretch.backward,
        AttentionBackward.Operands(
          q: q.slice(rows).start, k: k.slice(rows).start, v: v.slice(rows).start,
          o: o.slice(rows).start, gradient: floats(gradient), logSums: floats(logSums),
          dq: floats(dq),
          dk: floats(dk), dv: floats(dv))
      )
    }
  }
}
