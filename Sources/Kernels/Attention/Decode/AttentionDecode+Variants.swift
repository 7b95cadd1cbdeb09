import CMicrokernels
import Quantities

extension AttentionDecode {
  package static var variants: [Variant<AttentionDecode>] {
    [reference, portable] + vectorVariants
  }

  package static let portable = variant("portable", []) {
    Loops(
      keys: portableKeys($0), values: portableValues($1), step: portableStep,
      turn: RotaryEmbedding.portableTurn(.fp32))
  }

  #if arch(x86_64)
    package static let avx2 = variant("avx2", [.avx2]) {
      Loops(
        keys: hr_cache_keys_avx2($0.stored), values: hr_cache_values_avx2($1.stored),
        step: hr_decode_loops_avx2(), turn: hr_turn_avx2(HR_FP32))
    }
    package static let avx512 = variant("avx512", [.avx512]) {
      Loops(
        keys: hr_cache_keys_avx512($0.stored), values: hr_cache_values_avx512($1.stored),
        step: hr_decode_loops_avx512(), turn: hr_turn_avx512(HR_FP32))
    }
    /// Multiplies quantized keys and values by the processor's instructions for whole numbers; the
    /// other loops are avx512's.
    package static let avx512VNNI = variant("avx512-vnni", [.avx512, .avx512VNNI]) {
      Loops(
        keys: hr_cache_keys_avx512vnni($0.stored), values: hr_cache_values_avx512vnni($1.stored),
        step: hr_decode_loops_avx512(), turn: hr_turn_avx512(HR_FP32))
    }
    private static let vectorVariants = [avx2, avx512, avx512VNNI]
  #else
    private static let vectorVariants: [Variant<AttentionDecode>] = []
  #endif

  /// The own variants differ in their inner loops alone.
  private static func variant(
    _ name: String, _ requirements: [Capability],
    loops: @escaping @Sendable (CacheType, CacheType) -> Loops
  ) -> Variant<AttentionDecode> {
    Variant(name: name, requirements: requirements) { problem, operands, execution in
      let loops = loops(problem.cacheTypeK, problem.cacheTypeV)
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
