import CMicrokernels
package import Quantities

extension QuantizedMatmul {
  package static var variants: [Variant<QuantizedMatmul>] {
    [plain("reference", .reference), plain("portable", .own)] + vectorVariants + competitors
  }

  private static func plain(_ name: String, _ kind: VariantKind) -> Variant<QuantizedMatmul> {
    Variant(name: name, kind: kind) { problem, operands, execution in
      try PlainKernel(
        problem: problem, operands: operands, isReference: kind == .reference,
        execution: execution)
    }
  }

  private static var vectorVariants: [Variant<QuantizedMatmul>] {
    sets.map { set in
      Variant(name: set.rawValue, requirements: set.requirements) {
        problem, operands, execution in
        try kernel(problem, operands, set, execution)
      }
    }
  }

  /// Sets of instructions that panels' loops are written for, the best last.
  private static let sets = InstructionSet.having(.quantized).filter { $0 != .portable }

  private static func kernel(
    _ problem: Problem, _ operands: Operands, _ set: InstructionSet, _ execution: Execution
  ) throws -> any Kernel {
    let shape = Matmul.Problem(m: problem.m, n: problem.n, k: problem.k, precision: .fp32)
    let weights = problem.weightFormat.weights(
      at: operands.b.start, rows: problem.n, columns: problem.k)
    guard let weights else {
      return try Matmul.PackedKernel(
        problem: shape, a: operands.a, b: operands.b, c: operands.c,
        loops: set.matmul(.fp32, problem.plainFormat), execution: execution)
    }
    guard let loops = set.quantized(weights.panelFormat) else {
      preconditionFailure("no loops for panels")
    }
    let layout = problem.layout(loops)
    let panels = try QuantizedPanels(weights, layout, loops, execution: execution)
    guard !problem.roundsActivations else {
      return try IntegerKernel(
        panels: panels, a: operands.a, c: operands.c, m: problem.m, execution: execution)
    }
    let matmul = set.panelMatmul()
    let blocking = Matmul.Blocking(
      problem: shape, loops: matmul, grain: layout.group, keepsPanel: true)
    return try Matmul.PackedKernel(
      problem: shape, a: operands.a, c: operands.c, loops: matmul, blocking: blocking,
      panels: WideningPanels(panels, depth: blocking.depth, execution: execution),
      execution: execution)
  }

  package static func memory(
    of problem: Problem, variant: Variant<QuantizedMatmul>, threads: Int
  ) -> MemoryPlan {
    let operands: [MemoryRole: Bytes] = [
      .activations: ElementType.fp32.bytes(of: problem.m * (problem.k + problem.n)),
      .weights: problem.weightFormat.bytes(rows: problem.n, columns: problem.k),
    ]
    if let library = variant.library {
      return library.plan(problem.productShape, operands: operands, threads: threads)
    }
    var preparation = operands
    var run = operands
    if let set = Self.sets.first(where: { $0.rawValue == variant.name }) {
      (run[.weights], run[.workspace]) = memory(problem, set, threads)
      preparation[.weights] = (run[.weights] ?? .zero) + (operands[.weights] ?? .zero)
      preparation[.workspace] = run[.workspace]
      return MemoryPlan([.operands: operands, .preparation: preparation, .run: run])
    }
    run[.workspace] = PlainKernel.workspace(
      problem, isReference: variant.kind == .reference, threads: threads)
    preparation[.workspace] = run[.workspace]
    return MemoryPlan([.operands: operands, .preparation: preparation, .run: run])
  }

  /// What calls keep of weights, and their workspace.
  private static func memory(_ problem: Problem, _ set: InstructionSet, _ threads: Int)
    -> (weights: Bytes, workspace: Bytes)
  {
    let shape = Matmul.Problem(m: problem.m, n: problem.n, k: problem.k, precision: .fp32)
    if FloatFormat(rawValue: problem.format.rawValue) != nil {
      let loops = set.matmul(.fp32, problem.plainFormat)
      let blocking = Matmul.Blocking(problem: shape, loops: loops)
      return (StoredPanels.bytes(shape, loops), blocking.blockBytes(loops) * threads)
    }
    guard let loops = set.quantized(PanelFormat(problem.weightFormat, columns: problem.k)) else {
      preconditionFailure("no loops for panels")
    }
    let layout = problem.layout(loops)
    if problem.roundsActivations {
      return (
        layout.bytes, IntegerKernel.Cut(m: problem.m, layout: layout).workspace(threads: threads)
      )
    }
    let matmul = set.panelMatmul()
    let blocking = Matmul.Blocking(
      problem: shape, loops: matmul, grain: layout.group, keepsPanel: true)
    let scratch = WideningPanels.bytes(columns: layout.columns, depth: blocking.depth)
    return (layout.bytes, (blocking.blockBytes(matmul) + Bytes(scratch)) * threads)
  }
}

extension QuantizedMatmul.Problem {
  /// The format of weights that are not quantized.
  fileprivate var plainFormat: FloatFormat { FloatFormat(rawValue: format.rawValue) ?? .fp32 }

  fileprivate func layout(_ loops: hr_quantized_kernels) -> QuantizedPanels.Layout {
    QuantizedPanels.Layout(weightFormat, n: n, k: k, loops)
  }
}
