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
    package let precision: FloatFormat

    package init(m: Int, n: Int, k: Int, precision: FloatFormat) {
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
  package static let defaults = ["precision": "fp32"]

  package static var variants: [Variant<Matmul>] {
    [reference] + ownVariants + competitors
  }

  package static func magnitude(of problem: Problem) -> Double {
    64 * product(problem.m, problem.n, problem.k)
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
    let a = try ledger.tensor(problem.precision.elementType, [problem.m, problem.k], .activations)
    let b = try ledger.tensor(problem.precision.elementType, [problem.n, problem.k], .weights)
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

  /// The sum of products in fp64, and the sum of their magnitudes.
  static func dot(_ left: [Double], _ right: [Double]) -> (Double, Double) {
    var sum = SIMD4<Double>.zero
    var magnitude = SIMD4<Double>.zero
    let whole = left.count / 4 * 4
    for index in stride(from: 0, to: whole, by: 4) {
      let x = SIMD4(left[index], left[index + 1], left[index + 2], left[index + 3])
      let y = SIMD4(right[index], right[index + 1], right[index + 2], right[index + 3])
      let term = x * y
      sum += term
      magnitude += term.replacing(with: -term, where: term .< 0)
    }
    var (total, size) = (sum.sum(), magnitude.sum())
    for index in whole..<left.count {
      total += left[index] * right[index]
      size += abs(left[index] * right[index])
    }
    return (total, size)
  }
}
