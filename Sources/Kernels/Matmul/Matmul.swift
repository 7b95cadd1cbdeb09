package import Quantities

/// A product of activations with weights that are stored a row per output, as inference stores them.
///
///     c[i, j] = Σ a[i, l] · b[j, l]
///
/// - Shapes: `a` is m × k, `b` is n × k, `c` is m × n; row-major, contiguous. `a` and `b` are in
///   the problem's precision, sums and `c` in fp32.
/// - Work: 2·m·n·k flops; reads `a` and `b` once, writes `c` once.
/// - Error: a result's path has k roundings of sums, and in fp32 k of products.
package enum Matmul: Workload {
  package struct Problem: Codable, Hashable, Sendable {
    /// Rows of activations: tokens × batch.
    package let m: Int
    /// Outputs.
    package let n: Int
    /// Inputs of each output.
    package let k: Int
    package let precision: ElementType

    package init(m: Int, n: Int, k: Int, precision: ElementType) {
      self.m = m
      self.n = n
      self.k = k
      self.precision = precision
    }
  }

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
  package static let defaults = ["m": "1", "precision": "fp32"]

  package static var variants: [Variant<Matmul>] {
    [reference]
  }

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
    let a = try ledger.tensor(problem.precision, [problem.m, problem.k], .activations)
    let b = try ledger.tensor(problem.precision, [problem.n, problem.k], .weights)
    let c = try ledger.tensor(.fp32, [problem.m, problem.n], .activations)
    a.fillUniform(seed: seed)
    b.fillUniform(seed: seed &+ 0x9E37_79B9_7F4A_7C15)
    return Operands(a: a, b: b, c: c)
  }

  package static func tolerance(of problem: Problem) -> Tolerance {
    // A product of two 11-bit or two 8-bit significands is exact in fp32's 24 bits; one of two
    // 24-bit ones rounds, where it is not fused with the sum.
    .sum(roundings: problem.precision == .fp32 ? 2 * problem.k : problem.k)
  }

  package static func expectation(
    of problem: Problem, _ operands: Operands, at sample: OutputSample
  ) -> Expectation {
    var values: [Double] = []
    var magnitudes: [Double] = []
    values.reserveCapacity(sample.count)
    magnitudes.reserveCapacity(sample.count)
    for row in sample.rows {
      for column in sample.columns {
        let (sum, magnitude) = dot(operands, row: row, column: column, k: problem.k)
        values.append(sum)
        magnitudes.append(magnitude)
      }
    }
    return Expectation(values: values, magnitudes: magnitudes)
  }

  /// One result in fp64, and the sum of its terms' magnitudes.
  static func dot(_ operands: Operands, row: Int, column: Int, k: Int) -> (Double, Double) {
    var sum = 0.0
    var magnitude = 0.0
    for index in 0..<k {
      let term = Double(operands.a[row * k + index]) * Double(operands.b[column * k + index])
      sum += term
      magnitude += abs(term)
    }
    return (sum, magnitude)
  }
}

extension ElementType {
  /// The format of the arithmetic on elements that are stored so.
  package var computeFormat: ComputeFormat {
    switch self {
    case .fp32: .fp32
    case .fp16: .fp16
    case .bf16: .bf16
    }
  }
}
