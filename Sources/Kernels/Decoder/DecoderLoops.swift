import CMicrokernels
import Glibc
import Quantities

/// The inner loops of a decoder: those of its products, its attention, and what is between.
struct DecoderLoops {
  let set: InstructionSet
  let layers: hr_layer_loops
  let turn: hr_rope

  init(_ set: InstructionSet) {
    self.set = set
    layers = set.layers()
    turn = set.rope(.fp32)
  }

  /// Of attention-prefill, for fp32.
  var prefill: Variant<AttentionPrefill> { AttentionPrefill.tiled(set) }

  func cached(_ keys: CacheType, _ values: CacheType) -> CachedAttention.Loops {
    CachedAttention.Loops(set, keys, values)
  }

  /// For quantized weights; none where they are multiplied as they are stored.
  func quantized(_ shape: LinearWeights.Shape) -> hr_quantized_kernels? {
    shape.isQuantized
      ? set.quantized(PanelFormat(shape.weightFormat, columns: shape.k)) : nil
  }

  /// For plain weights and activations in fp32.
  func matmul(_ shape: LinearWeights.Shape) -> hr_matmul_kernels? {
    guard set != .portable, let format = FloatFormat(rawValue: shape.format.rawValue) else {
      return nil
    }
    return set.matmul(.fp32, format)
  }

  /// Sets of instructions that a decoder has loops for, the best last.
  static let sets = InstructionSet.having(.layers, .cache, .quantized)
}

/// What is between a decoder's products in plain Swift, for every processor.
let portableLayers = hr_layer_loops(
  norm: { x, gain, columns, epsilon, y in
    guard let x, let gain, let y else { return }
    var sum: Float = 0
    for index in 0..<Int(columns) { sum += x[index] * x[index] }
    let by = 1 / (sum / Float(columns) + epsilon).squareRoot()
    for index in 0..<Int(columns) { y[index] = x[index] * by * gain[index] }
  },
  swiglu: { gate, up, count, to in
    guard let gate, let up, let to else { return }
    for index in 0..<Int(count) { to[index] = gate[index] * sigmoid(gate[index]) * up[index] }
  },
  gelu: { x, count, to in
    guard let x, let to else { return }
    for index in 0..<Int(count) {
      let v = x[index]
      to[index] = v * sigmoid(1.5957691216057308 * (v + 0.044715 * v * v * v))
    }
  },
  add_to: { x, count, to in
    guard let x, let to else { return }
    for index in 0..<Int(count) { to[index] += x[index] }
  })

private func sigmoid(_ x: Float) -> Float {
  let e = Float(exp(Double(-abs(x))))
  return x < 0 ? e / (1 + e) : 1 / (1 + e)
}
