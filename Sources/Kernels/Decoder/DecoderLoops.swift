import CMicrokernels
import Glibc
import Quantities

/// The inner loops of a decoder: those of its products, its attention, and what is between.
struct DecoderLoops {
  let layers: hr_layer_loops
  let turn: hr_turn
  /// Of attention-prefill, for fp32.
  let prefill: Variant<AttentionPrefill>
  let cached: @Sendable (CacheType, CacheType) -> CachedAttention.Loops
  private let quantizedLoops: @Sendable (WeightFormat, Int) -> hr_quantized_kernels?
  private let matmulLoops: @Sendable (FloatFormat) -> hr_matmul_kernels?

  /// For quantized weights; none where they are multiplied as they are stored.
  func quantized(_ shape: LinearWeights.Shape) -> hr_quantized_kernels? {
    shape.isQuantized ? quantizedLoops(shape.weightFormat, shape.k) : nil
  }

  /// For plain weights and activations in fp32.
  func matmul(_ shape: LinearWeights.Shape) -> hr_matmul_kernels? {
    FloatFormat(rawValue: shape.format.rawValue).flatMap(matmulLoops)
  }

  /// Variants of a decoder: those that this build has loops for, the best last.
  static var all: [(name: String, requirements: [Capability], loops: @Sendable () -> DecoderLoops)]
  {
    let plain = ("portable", [Capability](), { @Sendable in portable })
    #if arch(x86_64)
      return [
        plain, ("avx2", [.avx2], { @Sendable in avx2 }),
        ("avx512", [.avx512], { @Sendable in avx512 }),
        ("avx512-vnni", [.avx512, .avx512VNNI], { @Sendable in avx512VNNI }),
      ]
    #else
      return [plain]
    #endif
  }

  static let portable = DecoderLoops(
    layers: portableLayers, turn: RotaryEmbedding.portableTurn(.fp32),
    prefill: AttentionPrefill.portable, cached: AttentionDecode.portableLoops,
    quantizedLoops: { _, _ in nil }, matmulLoops: { _ in nil })

  #if arch(x86_64)
    static let avx2 = vector(
      .avx2, hr_layer_loops_avx2(), hr_turn_avx2(HR_FP32), AttentionPrefill.avx2,
      AttentionDecode.avx2Loops)
    static let avx512 = vector(
      .avx512, hr_layer_loops_avx512(), hr_turn_avx512(HR_FP32), AttentionPrefill.avx512,
      AttentionDecode.avx512Loops)
    static let avx512VNNI = vector(
      .avx512VNNI, hr_layer_loops_avx512(), hr_turn_avx512(HR_FP32), AttentionPrefill.avx512,
      AttentionDecode.avx512VNNILoops)

    private static func vector(
      _ set: QuantizedMatmul.InstructionSet, _ layers: hr_layer_loops, _ turn: @escaping hr_turn,
      _ prefill: Variant<AttentionPrefill>,
      _ cached: @escaping @Sendable (CacheType, CacheType) -> CachedAttention.Loops
    ) -> DecoderLoops {
      DecoderLoops(
        layers: layers, turn: turn, prefill: prefill, cached: cached,
        quantizedLoops: { set.quantized(PanelFormat($0, columns: $1)) },
        matmulLoops: { set.matmul($0) })
    }
  #endif
}

/// What is between a decoder's products in plain Swift, for every processor.
private let portableLayers = hr_layer_loops(
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
