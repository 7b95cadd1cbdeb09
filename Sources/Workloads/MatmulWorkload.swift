package import Kernels
package import Quantities

/// A product of activations with weights, both in one precision.
///
///     c[i, j] = Σ a[i, l] · b[j, l]
///
/// - Shapes: `a` is m × k, `b` is n × k, `c` is m × n; row-major, contiguous. `a` and `b` are in
///   the problem's precision, sums and `c` in fp32.
/// - Work and error: as of `Matmul`.
package enum MatmulWorkload: Workload {
  /// One product, C[m,n] = A[m,k] · B[n,k]ᵀ.
  package struct Problem: Codable, Hashable, Sendable {
    /// Rows of activations: tokens × batch.
    package let m: Int
    /// Outputs.
    package let n: Int
    /// Inputs of each output.
    package let k: Int
    package let precision: FloatFormat

    /// Any sizes from 1 up make a problem.
    package init(m: Int, n: Int, k: Int, precision: FloatFormat) {
      self.m = m
      self.n = n
      self.k = k
      self.precision = precision
    }

    func operation(_ instructions: InstructionSet) -> Matmul {
      Matmul(
        n: n, k: k, weights: WeightFormat(precision.elementType), activations: .stored(precision),
        instructions: instructions)
    }

    var productShape: ProductShape {
      ProductShape(m: m, n: n, k: k, elements: .float(precision))
    }
  }

  /// `a` and `b` in the problem's precision, `c` in fp32.
  package struct Operands: OperandSet {
    package let a: Tensor
    package let b: Tensor
    package let c: Tensor

    package var operands: [Operand] {
      [Operand("a", a, .input), Operand("b", b, .weight), Operand("c", c, .output)]
    }
  }

  package static let name = "matmul"
  package static let about = "C[m,n] = A[m,k] · B[k,n], weights stored n × k, sums in fp32"
  package static let smallest = Problem(m: 9, n: 33, k: 17, precision: .fp32)
  package static let defaults = ["precision": "fp32"]

  package static let variants: [Variant<MatmulWorkload>] = {
    let own = InstructionSet.having(.matmul).map { set in
      Variant<MatmulWorkload>(set) { problem, operands, execution in
        try problem.operation(set).kernel(
          a: operands.a, weights: operands.b, c: operands.c, execution)
      }
    }
    let competitors = ForeignLibrary.allCases.map { library in
      Variant<MatmulWorkload>(
        name: library.rawValue, kind: .competitor, library: library,
        declines: { library.declines($0.productShape) },
        prepare: { problem, operands, execution in
          try LibraryKernel(
            library, problem.productShape, a: operands.a, b: operands.b, c: operands.c,
            execution: execution)
        })
    }
    return [.reference()] + own + competitors
  }()

  package static func workBound(of problem: Problem) -> Double {
    64 * product(problem.m, problem.n, problem.k)
  }

  /// Each of the m·n·k terms takes a product and a sum: 2·m·n·k flops.
  package static func work(of problem: Problem) -> Work {
    let (m, n, k) = (problem.m, problem.n, problem.k)
    return Work(
      flops: 2 * m * n * k,
      bytesRead: problem.precision.bytes(of: m * k) + problem.precision.bytes(of: n * k),
      bytesWritten: ElementType.fp32.bytes(of: m * n),
      format: problem.precision.computeFormat)
  }

  package static func operands(
    for problem: Problem, seed: UInt64, in ledger: MemoryLedger
  ) throws -> Operands {
    let a = try ledger.tensor(problem.precision.elementType, [problem.m, problem.k], .activations)
    let b = try ledger.tensor(problem.precision.elementType, [problem.n, problem.k], .weights)
    let c = try ledger.tensor(.fp32, [problem.m, problem.n], .activations)
    a.fillUniform(seed: seed)
    b.fillUniform(seed: seed &+ 0x9E37_79B9_7F4A_7C15)
    return Operands(a: a, b: b, c: c)
  }

  /// A result's path has k roundings of sums, and in fp32 k of products.
  package static func tolerance(of problem: Problem) -> Tolerance {
    // A product of two 11-bit or two 8-bit significands is exact in fp32's 24 bits; one of two
    // 24-bit ones rounds, where it is not fused with the sum.
    .sum(roundings: problem.precision == .fp32 ? 2 * problem.k : problem.k)
  }

  package static func expectation(
    of problem: Problem, _ operands: Operands, at sample: OutputSample
  ) -> Expectation {
    let k = problem.k
    let rows = sample.rows.map { operands.a.doubles($0 * k..<($0 + 1) * k) }
    var values = [Double](repeating: 0, count: sample.count)
    var magnitudes = values
    for (place, column) in sample.columns.enumerated() {
      let weights = operands.b.doubles(column * k..<(column + 1) * k)
      for (row, activations) in rows.enumerated() {
        let index = row * sample.columns.count + place
        (values[index], magnitudes[index]) = dot(activations, weights)
      }
    }
    return Expectation(values: values, magnitudes: magnitudes)
  }
}
