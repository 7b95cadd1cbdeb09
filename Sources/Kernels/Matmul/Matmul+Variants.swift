import CMicrokernels
package import Quantities

extension Matmul {
  /// The own variants differ in their inner loops alone.
  static let ownVariants = InstructionSet.having(.matmul).map { set in
    Variant<Matmul>(name: set.rawValue, requirements: set.requirements) {
      problem, operands, execution in
      try PackedKernel(
        problem: problem, a: operands.a, b: operands.b, c: operands.c,
        loops: set.matmul(problem.precision, problem.precision), execution: execution)
    }
  }

  package static func memory(of problem: Problem, variant: Variant<Matmul>, threads: Int)
    -> MemoryPlan
  {
    let operands: [MemoryRole: Bytes] = [
      .activations: problem.precision.bytes(of: problem.m * problem.k)
        + ElementType.fp32.bytes(of: problem.m * problem.n),
      .weights: problem.precision.bytes(of: problem.n * problem.k),
    ]
    guard let loops = loops(of: variant, problem.precision) else {
      guard let library = variant.library else {
        return MemoryPlan([.operands: operands, .preparation: operands, .run: operands])
      }
      return library.plan(problem.productShape, operands: operands, threads: threads)
    }
    var preparation = operands
    var run = operands
    run[.weights] = StoredPanels.bytes(problem, loops)
    run[.workspace] =
      Blocking(problem: problem, loops: loops).blockBytes(loops) * threads
    preparation[.weights] = (run[.weights] ?? .zero) + (operands[.weights] ?? .zero)
    preparation[.workspace] = run[.workspace]
    return MemoryPlan([.operands: operands, .preparation: preparation, .run: run])
  }

  private static func loops(of variant: Variant<Matmul>, _ precision: FloatFormat)
    -> hr_matmul_kernels?
  {
    InstructionSet(rawValue: variant.name).map { $0.matmul(precision, precision) }
  }
}

extension Matmul.PackedKernel {
  /// With weights that are packed ahead as they are stored.
  convenience init(
    problem: Matmul.Problem, a: Tensor, b: Tensor, c: Tensor, loops: hr_matmul_kernels,
    execution: Execution
  ) throws {
    let blocking = Matmul.Blocking(problem: problem, loops: loops)
    try self.init(
      problem: problem, a: a, c: c, loops: loops, blocking: blocking,
      panels: StoredPanels(
        problem: problem, b: b, loops: loops, blocking: blocking, execution: execution),
      execution: execution)
  }
}

extension FloatFormat {
  /// How far storing a number in it may move the number, relative to that: half a unit of the last place.
  var rounding: Double {
    switch self {
    case .fp32: 0x1p-24
    case .fp16: 0x1p-11
    case .bf16: 0x1p-8
    }
  }

  var stored: hr_element {
    switch self {
    case .fp32: HR_FP32
    case .fp16: HR_FP16
    case .bf16: HR_BF16
    }
  }
}
