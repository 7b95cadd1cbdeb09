import CMicrokernels
package import Quantities

extension AttentionPrefill {
  static let tiledVariants = InstructionSet.having(.attention).map(tiled)

  /// Inner loops: those around the products, the products', and that which turns.
  struct Loops {
    let around: hr_attention_kernels
    let products: hr_matmul_kernels
    let turn: hr_rope
  }

  /// The tiled variants differ in their inner loops alone.
  static func tiled(_ set: InstructionSet) -> Variant<AttentionPrefill> {
    Variant(name: set.rawValue, requirements: set.requirements) { problem, operands, execution in
      let precision = problem.precision
      return try TiledKernel(
        problem: problem, operands: operands,
        loops: Loops(
          around: set.attention(precision), products: set.attentionMatmul(precision),
          turn: set.rope(precision)),
        execution: execution)
    }
  }

  package static func memory(
    of problem: Problem, variant: Variant<AttentionPrefill>, threads: Int
  ) -> MemoryPlan {
    let work = work(of: problem)
    var held: [MemoryRole: Bytes] = [.activations: work.workingSet]
    let operands = held
    switch variant.name {
    case "reference": break
    case "naive": held[.workspace] = NaiveKernel.scoreBytes(problem)
    default:
      let products = products(of: variant.name)
      held[.workspace] =
        Tiling(problem, columns: Int(products.tile_columns), products: products, threads: threads)
        .bytes * threads + problem.tableBytes
    }
    return MemoryPlan([.operands: operands, .preparation: held, .run: held])
  }

  private static func products(of variant: String) -> hr_matmul_kernels {
    (InstructionSet(rawValue: variant) ?? .portable).attentionMatmul(.fp32)
  }
}
