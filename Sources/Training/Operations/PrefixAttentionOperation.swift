import Kernels
import Quantities

/// Attention in which each sequence sees learned keys and values before its own.
///
/// Sequences are put behind so many rows that have no queries: the kernels are those of attention without a
/// prefix.
final class PrefixAttentionOperation: TapeOperation {
  let name = "attention"
  let layer: Int?
  let inputs: [Value]
  let outputs: [Value]
  let parameters: [Parameter]
  let flows: [GradientFlow] = [.computed, .computed, .computed]
  let writesAllGradients = true
  private let sequences: [Int]
  private let widths: (queries: Int, keys: Int)
  private let kernels: AttentionKernels
  private let headDim: Int

  /// - Parameters:
  ///   - keys: prefix × kv-heads · head-dim; `values` likewise.
  ///   - kernels: of sequences that are longer by the prefix.
  init(
    layer: Int?, q: Value, k: Value, v: Value, keys: Parameter, values: Parameter, to o: Value,
    logSums: Value, batch: TrainingBatch, queries: Int, headDim: Int, _ kernels: AttentionKernels
  ) {
    self.layer = layer
    inputs = [q, k, v]
    outputs = [o, logSums]
    parameters = [keys, values]
    sequences = batch.sequences
    widths = (queries, keys.columns)
    self.headDim = headDim
    self.kernels = kernels
  }

  private var prefix: Int { parameters[0].rows }
  /// Rows of all sequences, with what is before them.
  private var longer: Int { sequences.reduce(0) { $0 + $1 + prefix } }

  var backwardReads: [Value] { inputs + outputs }
  var forwardFlops: Int { 4 * pairs * headDim }
  func backwardFlops(inputs: [Bool]) -> FlopCount {
    FlopCount(model: 8 * pairs * headDim, executed: 10 * kernels.pairs * headDim)
  }
  /// Those of the rows that have queries.
  private var pairs: Int {
    kernels.pairs - sequences.count * widths.queries / headDim
      * AttentionMask.causal.pairs(of: prefix)
  }

  /// q, k, v and o of longer sequences; on the way back their gradients, too.
  var forwardScratch: [Int] {
    [widths.queries, widths.keys, widths.keys, widths.queries].map { longer * $0 }
  }
  var backwardScratch: [Int] {
    forwardScratch
      + [widths.queries, widths.queries, widths.keys, widths.keys].map { longer * $0 }
  }

  /// A copy of rows with the prefix, or with nothing, before each sequence.
  private func lengthen(
    _ from: UnsafePointer<Float>, _ columns: Int, before: UnsafePointer<Float>?,
    to: UnsafeMutablePointer<Float>
  ) {
    var (source, target) = (from, to)
    for tokens in sequences {
      if let before {
        target.update(from: before, count: prefix * columns)
      } else {
        target.update(repeating: 0, count: prefix * columns)
      }
      target += prefix * columns
      target.update(from: source, count: tokens * columns)
      target += tokens * columns
      source += tokens * columns
    }
  }

  private func shorten(
    _ from: UnsafePointer<Float>, _ columns: Int, to: UnsafeMutablePointer<Float>
  ) {
    var (source, target) = (from, to)
    for tokens in sequences {
      source += prefix * columns
      target.update(from: source, count: tokens * columns)
      target += tokens * columns
      source += tokens * columns
    }
  }

  private func lengthenAll(
    _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>, _ v: UnsafePointer<Float>,
    _ bound: Bound
  ) {
    lengthen(q, widths.queries, before: nil, to: bound.floats(0))
    lengthen(k, widths.keys, before: parameters[0].floats, to: bound.floats(1))
    lengthen(v, widths.keys, before: parameters[1].floats, to: bound.floats(2))
  }

  private func matrix(_ tensor: Tensor, _ columns: Int) -> Tensor {
    tensor.shaped([longer, columns])
  }

  func forward(_ bound: Bound) -> () -> Void {
    let (q, k, v, o) = (
      floats(bound.value(inputs[0])), floats(bound.value(inputs[1])),
      floats(bound.value(inputs[2])), floats(bound.value(outputs[0]))
    )
    let calls = kernels.forward(
      q: matrix(bound.scratch[0], widths.queries), k: matrix(bound.scratch[1], widths.keys),
      v: matrix(bound.scratch[2], widths.keys), o: matrix(bound.scratch[3], widths.queries),
      logSums: bound.value(outputs[1]))
    return { [self] in
      lengthenAll(q, k, v, bound)
      for call in calls { call.run() }
      shorten(bound.floats(3), widths.queries, to: o)
    }
  }

  func backward(_ bound: Bound) -> () -> Void {
    let (q, k, v, o) = (
      floats(bound.value(inputs[0])), floats(bound.value(inputs[1])),
      floats(bound.value(inputs[2])), floats(bound.value(outputs[0]))
    )
    let dy = floats(bound.gradient(outputs[0]))
    let gradients = inputs.map { floats(bound.gradient($0)) }
    let (dkeys, dvalues) = (bound.gradient(of: parameters[0]), bound.gradient(of: parameters[1]))
    let calls = kernels.backward(
      q: matrix(bound.scratch[0], widths.queries), k: matrix(bound.scratch[1], widths.keys),
      v: matrix(bound.scratch[2], widths.keys), o: matrix(bound.scratch[3], widths.queries),
      logSums: bound.value(outputs[1]), gradient: matrix(bound.scratch[4], widths.queries),
      dq: matrix(bound.scratch[5], widths.queries), dk: matrix(bound.scratch[6], widths.keys),
      dv: matrix(bound.scratch[7], widths.keys))
    return { [self] in
      lengthenAll(q, k, v, bound)
      lengthen(o, widths.queries, before: nil, to: bound.floats(3))
      lengthen(dy, widths.queries, before: nil, to: bound.floats(4))
      for (kernel, operands) in calls { kernel.run(operands) }
      shorten(bound.floats(5), widths.queries, to: gradients[0])
      shorten(bound.floats(6), widths.keys, to: gradients[1])
      shorten(bound.floats(7), widths.keys, to: gradients[2])
      for (gradient, from) in [(dkeys, bound.floats(6)), (dvalues, bound.floats(7))] {
        if let gradient { addPrefix(from, to: gradient.to, accumulates: gradient.adds()) }
      }
    }
  }

  /// What the prefix of each sequence got.
  private func addPrefix(
    _ from: UnsafePointer<Float>, to: UnsafeMutablePointer<Float>, accumulates: Bool
  ) {
    let count = prefix * widths.keys
    if !accumulates { to.update(repeating: 0, count: count) }
    var source = from
    for tokens in sequences {
      for index in 0..<count { to[index] += source[index] }
      source += (prefix + tokens) * widths.keys
    }
  }

  private func floats(_ tensor: Tensor) -> UnsafeMutablePointer<Float> {
    tensor.pointer(to: Float.self)
  }
}
