import CMicrokernels
import Quantities

extension AttentionDecode {
  package static var variants: [Variant<AttentionDecode>] {
    [reference] + InstructionSet.having(.attention, .cache).map(variant)
  }

  /// The own variants differ in their inner loops alone.
  private static func variant(_ set: InstructionSet) -> Variant<AttentionDecode> {
    Variant(name: set.rawValue, requirements: set.requirements) { problem, operands, execution in
      let loops = CachedAttention.Loops(set, problem.cache.cacheTypeK, problem.cache.cacheTypeV)
      guard problem.kvCache == .on else {
        return try RecomputeKernel(
          problem: problem, operands: operands, variant: set.rawValue, turn: loops.turn,
          execution: execution)
      }
      return try CachedKernel(
        problem: problem, operands: operands, loops: loops, execution: execution)
    }
  }
}
