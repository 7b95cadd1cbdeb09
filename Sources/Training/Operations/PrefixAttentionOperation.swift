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

  private var narrowing: Narrowing { kernels.narrowing }

  /// q, k and v of longer sequences as they are stored, and o in fp32.
  var forwardScratch: [Int] {
    [widths.queries, widths.keys, widths.keys].map { room(longer * $0) }
      + [longer * widths.queries]
  }
  /// q, k, v and o as they are stored; their gradients in fp32.
  var backwardScratch: [Int] {
    [widths.queries, widths.keys, widths.keys, widths.queries].map { room(longer * $0) }
      + [widths.queries, widths.queries, widths.keys, widths.keys].map { longer * $0 }
  }
  /// Floats that have room for so many numbers as they are stored.
  private func room(_ count: Int) -> Int {
    let each = FloatFormat.fp32.bytes(of: 1).count
    return (narrowing.activations.bytes(of: count).count + each - 1) / each
  }

  /// A copy of rows, as they are stored, with rows of 0 for the prefix before each sequence.
  private func lengthen(
    _ from: Tensor, _ columns: Int, _ format: FloatFormat, to: UnsafeMutableRawPointer
  ) {
    let before = format.bytes(of: prefix * columns).count
    var (source, target) = (UnsafeRawPointer(from.start), to)
    for tokens in sequences {
      let own = format.bytes(of: tokens * columns).count
      target.initializeMemory(as: UInt8.self, repeating: 0, count: before)
      (target + before).copyMemory(from: source, byteCount: own)
      source += own
      target += before + own
    }
  }

  /// Learned rows before each sequence, narrower where activations are.
  private func learn(_ rows: Parameter, to: UnsafeMutableRawPointer) {
    let columns = rows.columns
    var target = to
    for tokens in sequences {
      narrowing.run(rows.floats, count: prefix * columns, to: target)
      target += narrowing.activations.bytes(of: (prefix + tokens) * columns).count
    }
  }

  /// Hands on each sequence's own rows, and where they stand without a prefix.
  private func shorten(
    _ from: UnsafePointer<Float>, _ columns: Int, _ copy: (UnsafePointer<Float>, Range<Int>) -> Void
  ) {
    var (source, first) = (from, 0)
    for tokens in sequences {
      copy(source + prefix * columns, first..<first + tokens * columns)
      source += (prefix + tokens) * columns
      first += tokens * columns
    }
  }

  private func lengthenAll(_ q: Tensor, _ k: Tensor, _ v: Tensor, _ bound: Bound) {
    let format = narrowing.activations
    lengthen(q, widths.queries, format, to: bound.scratch[0].start)
    lengthen(k, widths.keys, format, to: bound.scratch[1].start)
    lengthen(v, widths.keys, format, to: bound.scratch[2].start)
    learn(parameters[0], to: bound.scratch[1].start)
    learn(parameters[1], to: bound.scratch[2].start)
  }

  private func stored(_ scratch: Tensor, _ columns: Int) -> Tensor {
    scratch.reused(for: narrowing.activations.elementType, [longer, columns])
  }
  private func wide(_ scratch: Tensor, _ columns: Int) -> Tensor {
    scratch.shaped([longer, columns])
  }

  func forward(_ bound: Bound) -> () -> Void {
    let (q, k, v, o) = (
      bound.value(inputs[0]), bound.value(inputs[1]), bound.value(inputs[2]),
      bound.value(outputs[0])
    )
    let calls = kernels.forward(
      q: stored(bound.scratch[0], widths.queries), k: stored(bound.scratch[1], widths.keys),
      v: stored(bound.scratch[2], widths.keys), o: wide(bound.scratch[3], widths.queries),
      logSums: bound.value(outputs[1]))
    return { [self] in
      lengthenAll(q, k, v, bound)
      for call in calls { call.run() }
      shorten(bound.floats(3), widths.queries) { rows, place in
        narrowing.run(
          rows, count: place.count,
          to: o.start + narrowing.activations.bytes(of: place.lowerBound).count)
      }
    }
  }

  func backward(_ bound: Bound) -> () -> Void {
    let (q, k, v, o) = (
      bound.value(inputs[0]), bound.value(inputs[1]), bound.value(inputs[2]),
      bound.value(outputs[0])
    )
    let dy = bound.gradient(outputs[0])
    let gradients = inputs.map { bound.gradient($0).pointer(to: Float.self) }
    let (dkeys, dvalues) = (bound.gradient(of: parameters[0]), bound.gradient(of: parameters[1]))
    let calls = kernels.backward(
      q: stored(bound.scratch[0], widths.queries), k: stored(bound.scratch[1], widths.keys),
      v: stored(bound.scratch[2], widths.keys), o: stored(bound.scratch[3], widths.queries),
      logSums: bound.value(outputs[1]), gradient: wide(bound.scratch[4], widths.queries),
      dq: wide(bound.scratch[5], widths.queries), dk: wide(bound.scratch[6], widths.keys),
      dv: wide(bound.scratch[7], widths.keys))
    return { [self] in
      lengthenAll(q, k, v, bound)
      lengthen(o, widths.queries, narrowing.activations, to: bound.scratch[3].start)
      lengthen(dy, widths.queries, .fp32, to: bound.scratch[4].start)
      for (kernel, operands) in calls { kernel.run(operands) }
      let columns = [widths.queries, widths.keys, widths.keys]
      for (index, (gradient, columns)) in zip(gradients, columns).enumerated() {
        shorten(bound.floats(5 + index), columns) { rows, place in
          (gradient + place.lowerBound).update(from: rows, count: place.count)
        }
      }
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
}
