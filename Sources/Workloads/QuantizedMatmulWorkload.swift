package import Kernels
package import Quantities

/// A product of activations with weights that are stored in a format, as inference stores them.
///
///     c[i, j] = Σ a[i, l] · b[j, l]
///
/// - Shapes: `a` is m × k and `c` is m × n, row-major, in fp32; `b` is n × k as the format has it.
/// - Work: 2·m·n·k operations; reads `a` and `b` once, writes `c` once.
/// - Error: against the dequantized weights in fp64, a result's path has k roundings of products
///   and k of sums in fp32. Activations in 8 bits are off by up to half a step each, independently:
///   8 · ½ · √Σ (step · w)² bounds their share with probability 1 − 2·exp(−32)
///   (Hoeffding, "Probability Inequalities for Sums of Bounded Random Variables", 1963).
package enum QuantizedMatmulWorkload: Workload {
  /// One product, C[m,n] = A[m,k] · B[n,k]ᵀ, with B in a format.
  package struct Problem: Codable, Hashable, Sendable {
    /// Rows of activations: tokens × batch.
    package let m: Int
    package let weights: WeightAxes
    package let activations: Activations

    /// Sizes are taken as they are: `validate` says whether they make a problem. What is left out is as in
    /// `defaults`.
    package init(
      m: Int, n: Int, k: Int, format: ElementType, groupSize: GroupSize = .usual,
      zeroPoint: ZeroPoint = .none, packing: Packing = .gptq, activations: Activations = .fastest
    ) {
      self.m = m
      weights = WeightAxes(
        n: n, k: k, format: format, groupSize: groupSize, zeroPoint: zeroPoint, packing: packing)
      self.activations = activations
    }

    /// Whether activations are rounded to 8 bits in the call.
    package var roundsActivations: Bool {
      switch activations {
      case .fastest: weights.stored.isQuantized
      case .fp32: false
      case .int8: true
      }
    }

    func operation(_ instructions: InstructionSet) -> Matmul {
      Matmul(
        n: weights.n, k: weights.k, weights: weights.stored,
        activations: roundsActivations ? .int8 : .stored(.fp32), instructions: instructions)
    }

    var productShape: ProductShape {
      ProductShape(m: m, n: weights.n, k: weights.k, elements: .bytes)
    }
  }

  /// How a call takes its activations.
  package enum Activations: String, AxisWord {
    /// 8 bits against whole numbers, fp32 against plain numbers.
    case fastest
    case fp32
    /// 8 bits and a scale for each 32 of a row, or each 256 for super-blocks and for bytes with a
    /// scale a row, rounded within the call.
    case int8
  }

  /// `a` and `c` in fp32, `b` as the format has it.
  package struct Operands: OperandSet {
    package let a: Tensor
    package let b: Tensor
    package let c: Tensor
    /// The unrounded weights, made anew.
    let original: WeightSource

    package var operands: [Operand] {
      [Operand("a", a, .input), Operand("b", b, .weight), Operand("c", c, .output)]
    }
  }

  package static let name = "quantized-matmul"
  package static let about =
    "C[m,n] = A[m,k] · B[k,n], weights n × k in a format of 2 to 32 bits, sums in fp32"
  package static let smallest = Problem(m: 9, n: 33, k: 256, format: .q4_0)
  package static let defaults = ["activations": "fastest"].with(WeightAxes.defaults)

  package static let variants: [Variant<QuantizedMatmulWorkload>] = {
    let own = InstructionSet.having(.quantized).map { set in
      Variant<QuantizedMatmulWorkload>(set) { problem, operands, execution in
        try problem.operation(set).kernel(
          a: operands.a, weights: operands.b, c: operands.c, execution)
      }
    }
    return [.reference()] + own + competitors
  }()

  /// Libraries of others, where they are found, for the format that they share with us: bytes with
  /// a scale a row, against activations rounded by rows.
  private static var competitors: [Variant<QuantizedMatmulWorkload>] {
    ForeignLibrary.allCases.map { library in
      Variant(
        name: library.rawValue, kind: .competitor, library: library,
        declines: { problem in
          guard problem.weights.format == .int8, problem.weights.stored.group == nil else {
            return "\(library.rawValue) is asked for int8 with a scale a row alone"
          }
          guard problem.roundsActivations else {
            return "\(library.rawValue) is asked for rounded activations alone"
          }
          return library.declines(problem.productShape)
        },
        prepare: { problem, operands, execution in
          let weights = problem.weights
          return try LibraryKernel(
            library, problem.productShape, a: operands.a, b: operands.b,
            scalesAt: weights.stored.scalesOffset(rows: weights.n, columns: weights.k),
            c: operands.c, execution: execution)
        })
    }
  }

  package static func validate(_ problem: Problem) throws {
    try problem.weights.validate()
    if problem.activations == .int8, !problem.weights.stored.isQuantized {
      throw ProblemFault(
        axis: "activations",
        what: "\(problem.weights.format.rawValue) weights are no whole numbers",
        fix: "use fp32 activations with them")
    }
  }

  package static func workBound(of problem: Problem) -> Double {
    64 * product(problem.m, problem.weights.n, problem.weights.k)
  }

  /// Each of the m·n·k terms takes a product and a sum. Where activations are rounded these are of whole
  /// numbers, whose ceiling then binds.
  package static func work(of problem: Problem) -> Work {
    let (m, n, k) = (problem.m, problem.weights.n, problem.weights.k)
    return Work(
      flops: 2 * m * n * k,
      bytesRead: ElementType.fp32.bytes(of: m * k) + problem.weights.bytes,
      bytesWritten: ElementType.fp32.bytes(of: m * n),
      format: problem.roundsActivations ? .int8 : .fp32)
  }

  package static func operands(
    for problem: Problem, seed: UInt64, in ledger: MemoryLedger
  ) throws -> Operands {
    let weights = problem.weights
    let source = WeightSource(columns: weights.k, seed: seed &+ 0x9E37_79B9_7F4A_7C15)
    let a = try ledger.tensor(.fp32, [problem.m, weights.k], .activations)
    let b = try source.tensor(weights.stored, rows: weights.n, in: ledger)
    let c = try ledger.tensor(.fp32, [problem.m, weights.n], .activations)
    a.fillUniform(seed: seed)
    return Operands(a: a, b: b, c: c, original: source)
  }

  /// A result's path has k roundings of products and k of sums. What rounded activations add is in the
  /// expectation's allowances.
  package static func tolerance(of problem: Problem) -> Tolerance {
    .sum(roundings: 2 * problem.weights.k)
  }

  package static func expectation(
    of problem: Problem, _ operands: Operands, at sample: OutputSample
  ) -> Expectation {
    let k = problem.weights.k
    let rows = sample.rows.map { operands.a.doubles($0 * k..<($0 + 1) * k) }
    let steps =
      problem.roundsActivations
      ? rows.map { activationSteps($0, block: problem.weights.stored.activationBlock) } : []
    var values = [Double](repeating: 0, count: sample.count)
    var (magnitudes, allowances) = (values, values)
    var (strayed, whole) = (0.0, 0.0)
    for (place, column) in sample.columns.enumerated() {
      let weights = operands.b.row(column, of: problem.weights.stored).map(Double.init)
      let original = operands.original.row(column).map(Double.init)
      for (row, activations) in rows.enumerated() {
        let index = row * sample.columns.count + place
        (values[index], magnitudes[index]) = dot(activations, weights)
        let exact = dot(activations, original).sum
        strayed += (values[index] - exact) * (values[index] - exact)
        whole += exact * exact
        guard problem.roundsActivations else { continue }
        allowances[index] =
          roundingAllowance(steps[row], weights)
          + levelAllowance(problem, steps[row], weights)
      }
    }
    return Expectation(
      values: values, magnitudes: magnitudes,
      allowances: problem.roundsActivations ? allowances : [],
      formatError: whole > 0 ? (strayed / whole).squareRoot() : nil)
  }

  /// What each activation is rounded to a multiple of.
  private static func activationSteps(_ activations: [Double], block: Int) -> [Double] {
    stride(from: 0, to: activations.count, by: block).flatMap { start in
      let stretch = activations[start..<min(activations.count, start + block)]
      let largest = stretch.reduce(0) { max($0, abs($1)) }
      return [Double](repeating: largest / 127, count: stretch.count)
    }
  }

  private static func roundingAllowance(_ steps: [Double], _ weights: [Double]) -> Double {
    var squares = 0.0
    for (index, weight) in weights.enumerated() {
      let error = steps[index] * weight
      squares += error * error
    }
    return 8 * 0.5 * squares.squareRoot()
  }

  /// Integer products take nf4's levels as multiples of 1/127 of the largest: off by half of that
  /// at most, times the largest weight of a block, either way.
  private static func levelAllowance(
    _ problem: Problem, _ steps: [Double], _ weights: [Double]
  ) -> Double {
    guard problem.weights.format == .nf4 else { return 0 }
    var squares = 0.0
    for start in stride(from: 0, to: weights.count, by: ElementType.nf4.blockLength) {
      let block = weights[start..<start + ElementType.nf4.blockLength]
      let largest = block.reduce(0) { max($0, abs($1)) }
      for index in block.indices {
        // 127 steps of activation times 1/127 of the largest weight.
        let error = steps[index] * largest
        squares += error * error
      }
    }
    return 8 * 0.5 * squares.squareRoot()
  }
}
