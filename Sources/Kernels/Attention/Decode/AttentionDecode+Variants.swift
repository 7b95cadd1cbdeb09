import CMicrokernels
import Quantities

extension AttentionDecode {
  package static var variants: [Variant<AttentionDecode>] {
    [reference, portable] + vectorVariants
  }

  package static let portable = variant("portable", [], portableLoops)

  static let portableLoops: @Sendable (CacheType, CacheType) -> CachedAttention.Loops = {
    CachedAttention.Loops(
      keys: portableKeys($0), values: portableValues($1), step: portableStep,
      turn: RotaryEmbedding.portableTurn(.fp32))
  }

  #if arch(x86_64)
    package static let avx2 = variant("avx2", [.avx2], avx2Loops)
    package static let avx512 = variant("avx512", [.avx512], avx512Loops)
    /// Multiplies quantized keys and values by the processor's instructions for whole numbers; the
    /// other loops are avx512's.
    package static let avx512VNNI = variant(
      "avx512-vnni", [.avx512, .avx512VNNI], avx512VNNILoops)
    private static let vectorVariants = [avx2, avx512, avx512VNNI]

    static let avx2Loops: @Sendable (CacheType, CacheType) -> CachedAttention.Loops = {
      CachedAttention.Loops(
        keys: hr_cache_keys_avx2($0.stored), values: hr_cache_values_avx2($1.stored),
        step: hr_decode_loops_avx2(), turn: hr_turn_avx2(HR_FP32))
    }
    static let avx512Loops: @Sendable (CacheType, CacheType) -> CachedAttention.Loops = {
      CachedAttention.Loops(
        keys: hr_cache_keys_avx512($0.stored), values: hr_cache_values_avx512($1.stored),
        step: hr_decode_loops_avx512(), turn: hr_turn_avx512(HR_FP32))
    }
    static let avx512VNNILoops: @Sendable (CacheType, CacheType) -> CachedAttention.Loops = {
      CachedAttention.Loops(
        keys: hr_cache_keys_avx512vnni($0.stored), values: hr_cache_values_avx512vnni($1.stored),
        step: hr_decode_loops_avx512(), turn: hr_turn_avx512(HR_FP32))
    }
  #else
    private static let vectorVariants: [Variant<AttentionDecode>] = []
  #endif

  /// The own variants differ in their inner loops alone.
  private static func variant(
    _ name: String, _ requirements: [Capability],
    _ loops: @escaping @Sendable (CacheType, CacheType) -> CachedAttention.Loops
  ) -> Variant<AttentionDecode> {
    Variant(name: name, requirements: requirements) { problem, operands, execution in
      let loops = loops(problem.cache.cacheTypeK, problem.cache.cacheTypeV)
      guard problem.kvCache == .on else {
        return try RecomputeKernel(
          problem: problem, operands: operands, variant: name, turn: loops.turn,
          execution: execution)
      }
      return try CachedKernel(
        problem: problem, operands: operands, loops: loops, execution: execution)
    }
  }
}
