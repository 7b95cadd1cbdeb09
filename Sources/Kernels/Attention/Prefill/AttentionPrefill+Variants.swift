import CMicrokernels
package import Quantities

extension AttentionPrefill {
  package static let portable = tiled("portable", []) {
    Loops(
      around: portableLoops($0), products: portableProducts($0),
      turn: RotaryEmbedding.portableTurn($0))
  }

  #if arch(x86_64)
    package static let avx2 = tiled("avx2", [.avx2]) {
      Loops(
        around: hr_attention_kernels_avx2($0.stored),
        products: hr_matmul_kernels_avx2($0.stored, HR_FP32), turn: hr_turn_avx2($0.stored))
    }
    package static let avx512 = tiled("avx512", [.avx512]) {
      Loops(
        around: hr_attention_kernels_avx512($0.stored),
        products: hr_matmul_kernels_avx512($0.stored, HR_FP32), turn: hr_turn_avx512($0.stored))
    }
    static let vectorVariants = [avx2, avx512]
  #else
    static let vectorVariants: [Variant<AttentionPrefill>] = []
  #endif

  /// Inner loops: those around the products, the products', and that which turns.
  struct Loops {
    let around: hr_attention_kernels
    let products: hr_matmul_kernels
    let turn: hr_turn
  }

  /// The tiled variants differ in their inner loops alone.
  private static func tiled(
    _ name: String, _ requirements: [Capability],
    loops: @escaping @Sendable (FloatFormat) -> Loops
  ) -> Variant<AttentionPrefill> {
    Variant(name: name, requirements: requirements) { problem, operands, execution in
      try TiledKernel(
        problem: problem, operands: operands, loops: loops(problem.precision),
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

  /// Products of what is stored so, with queries and scores in fp32.
  private static func portableProducts(_ precision: FloatFormat) -> hr_matmul_kernels {
    var loops = Matmul.portableLoops(.fp32)
    loops.pack_a = Matmul.portableLoops(precision).pack_a
    return loops
  }

  private static func products(of variant: String) -> hr_matmul_kernels {
    switch variant {
    #if arch(x86_64)
      case "avx2": hr_matmul_kernels_avx2(HR_FP32, HR_FP32)
      case "avx512": hr_matmul_kernels_avx512(HR_FP32, HR_FP32)
    #endif
    default: Matmul.portableLoops(.fp32)
    }
  }
}
