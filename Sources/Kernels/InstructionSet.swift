package import CMicrokernels
package import Quantities

/// A set of instructions that inner loops are written for; the best of a kind comes last.
///
/// To add one: its case here, and one C file that fills its `hr_loops`.
package enum InstructionSet: String, CaseIterable, Sendable {
  /// Plain Swift, for every processor.
  case portable
  case avx2
  case avxVNNI = "avx-vnni"
  case avx512
  case avx512VNNI = "avx512-vnni"
  case avx512BF16 = "avx512-bf16"

  /// The set that it adds instructions to: where it has no loops of its own, that one's serve.
  package var base: InstructionSet? {
    switch self {
    case .portable: nil
    case .avx2, .avx512: .portable
    case .avxVNNI: .avx2
    case .avx512VNNI, .avx512BF16: .avx512
    }
  }

  package var requirements: [Capability] {
    switch self {
    case .portable: []
    case .avx2: [.avx2]
    case .avxVNNI: [.avx2, .avxVNNI]
    case .avx512: [.avx512]
    case .avx512VNNI: [.avx512, .avx512VNNI]
    case .avx512BF16: [.avx512, .avx512BF16]
    }
  }

  /// The set whose products widen 16 bits to fp32, rather than multiply them as they are.
  var widened: InstructionSet { self == .avx512BF16 ? .avx512 : self }

  /// Why this machine cannot run it, if it cannot.
  package var missing: String? { requirements.lazy.compactMap(\.missing).first }

  /// Those that have loops of their own of at least one of these kinds in this build; the portable ones
  /// always do.
  package static func having(_ kinds: LoopKind...) -> [InstructionSet] {
    allCases.filter { set in set == .portable || kinds.contains { $0.isOwn(of: set) } }
  }
}

/// A kind of inner loops, as `hr_loops` lists them.
package enum LoopKind {
  case matmul
  case attention
  case cache
  case layers
  case rope
  case quantized
  case dequantize
  case training
  /// What a training step does between its products.
  case trainingSteps

  /// Whether a set has such loops of its own.
  fileprivate func isOwn(of set: InstructionSet) -> Bool {
    guard let own = set.ownLoops else { return false }
    return switch self {
    case .matmul: own.matmul != nil
    case .attention: own.attention != nil
    case .cache: own.cache_keys != nil
    case .layers: own.layers != nil
    case .rope: own.rope != nil
    case .quantized: own.quantized != nil
    case .dequantize: own.dequantize != nil
    case .training: own.gemm != nil
    case .trainingSteps: own.training != nil
    }
  }
}

extension InstructionSet {
  /// What C has for this set alone; nil for the portable one.
  fileprivate var ownLoops: hr_loops? {
    switch self {
    case .portable: nil
    case .avx2: hr_loops_for(HR_AVX2)
    case .avxVNNI: hr_loops_for(HR_AVX_VNNI)
    case .avx512: hr_loops_for(HR_AVX512)
    case .avx512VNNI: hr_loops_for(HR_AVX512_VNNI)
    case .avx512BF16: hr_loops_for(HR_AVX512_BF16)
    }
  }

  /// One kind of loops: the set's own, else those of the set that it extends; nil where plain Swift has to
  /// serve.
  private func loops<Make>(_ member: KeyPath<hr_loops, Make?>) -> Make? {
    var set = self
    while let own = set.ownLoops {
      if let make = own[keyPath: member] { return make }
      guard let base = set.base else { return nil }
      set = base
    }
    return nil
  }

  /// For products of activations in one format with weights in another; in plain Swift both are stored
  /// alike.
  func matmul(_ a: FloatFormat, _ b: FloatFormat) -> hr_matmul_kernels {
    guard let make = loops(\.matmul) else {
      precondition(a == b, "plain Swift multiplies what is stored alike")
      return PortableMatmul.loops(a)
    }
    return make(a.stored, b.stored)
  }

  /// For panels in fp32 as wide as quantized ones, of which they were made.
  func panelMatmul() -> hr_matmul_kernels {
    loops(\.panel_matmul)?(HR_FP32, HR_FP32) ?? PortableMatmul.loops(.fp32)
  }

  /// For products that are packed within the call: those of the first set, from this one down, that has them
  /// for such numbers.
  func gemm(_ a: Gemm.Element, _ b: Gemm.Element) -> hr_gemm_kernels {
    var set = self
    while let own = set.ownLoops {
      if let kernels = own.gemm?(a.loops, b.loops), kernels.multiply != nil { return kernels }
      guard let base = set.base else { break }
      set = base
    }
    return PortableMatmul.gemm(a, b)
  }

  /// For what a training step does between its products.
  func training(_ activations: FloatFormat) -> hr_training_loops {
    loops(\.training)?(activations.stored) ?? PortableTraining.loops(activations)
  }

  /// For products of what is stored so with queries and scores in fp32.
  func attentionMatmul(_ precision: FloatFormat) -> hr_matmul_kernels {
    if let make = loops(\.matmul) { return make(precision.stored, HR_FP32) }
    var loops = PortableMatmul.loops(.fp32)
    loops.pack_a = PortableMatmul.loops(precision).pack_a
    return loops
  }

  /// Of attention, around its products.
  package func attention(_ precision: FloatFormat) -> hr_attention_kernels {
    loops(\.attention)?(precision.stored) ?? PortableAttention.loops(precision)
  }

  func rope(_ precision: FloatFormat) -> hr_rope {
    loops(\.rope)?(precision.stored) ?? PortableRotary.loop(precision)
  }

  func cacheKeys(_ type: CacheType) -> hr_cache_keys {
    loops(\.cache_keys)?(type.stored) ?? PortableDecode.keys(type)
  }

  func cacheValues(_ type: CacheType) -> hr_cache_values {
    loops(\.cache_values)?(type.stored) ?? PortableDecode.values(type)
  }

  func decode() -> hr_decode_loops { loops(\.decode)?() ?? PortableDecode.loops }

  func layers() -> hr_layer_loops { loops(\.layers)?() ?? portableLayers }

  /// For integer products with panels; nil where plain Swift dequantizes row by row.
  func quantized(_ format: PanelFormat) -> hr_quantized_kernels? {
    loops(\.quantized)?(format.quantization)
  }

  /// For whole blocks; nil where the format has none, or plain Swift has to serve.
  func dequantize(_ format: PanelFormat) -> hr_dequantize? {
    loops(\.dequantize)?(format.quantization)
  }

  /// For what is not laid out in blocks.
  func dequantizeOthers() -> hr_dequantize_loops? { loops(\.dequantize_others)?() }
}
