package import Kernels
package import Quantities

/// A layer's product in training, and the two of its way back, with both operands packed within the call.
///
///     forward: y[m, n] = x[m, k] · w[n, k]ᵀ
///     input:   dx[m, k] = dy[m, n] · w[n, k]
///     weight:  dw[n, k] = dy[m, n]ᵀ · x[m, k]
///
/// - Shapes: as the formulas have them, row-major, contiguous. Operands are in the problem's precision, sums and
///   the result in fp32.
/// - Work, error and source: as of `Gemm`.
package enum GemmWorkload: Workload {
  /// Which of a layer's three products, as an axis.
  package enum Pass: String, AxisWord {
    case forward
    /// The gradient of what the layer was given.
    case input
    /// The gradient of its weights.
    case weight
  }

  /// A layer and the tokens that go through it.
  package struct Problem: Codable, Hashable, Sendable {
    /// Tokens.
    package let m: Int
    /// Outputs of the layer.
    package let n: Int
    /// Inputs of the layer.
    package let k: Int
    package let precision: FloatFormat
    package let pass: Pass

    /// Any sizes from 1 up make a problem.
    package init(m: Int, n: Int, k: Int, precision: FloatFormat = .fp32, pass: Pass = .forward) {
      self.m = m
      self.n = n
      self.k = k
      self.precision = precision
      self.pass = pass
    }

    /// Of the result, and what each of its numbers is a sum of.
    fileprivate var product: (rows: Int, columns: Int, terms: Int) {
      switch pass {
      case .forward: (m, n, k)
      case .input: (m, k, n)
      case .weight: (n, k, m)
      }
    }
  }

  /// `a` and `b` are the operands of the pass as they are stored, in the order of the formulas; `c` is what it
  /// gives.
  package struct Operands: OperandSet, TensorSet {
    package let a: Tensor
    package let b: Tensor
    package let c: Tensor

    package var operands: [Operand] {
      [Operand("a", a, .input), Operand("b", b, .input), Operand("c", c, .output)]
    }

    func copy(in ledger: MemoryLedger) throws -> Operands {
      Operands(
        a: try ledger.copy(of: a, role: .activations), b: try ledger.copy(of: b, role: .weights),
        c: try ledger.copy(of: c, role: .gradients))
    }
  }

  package static let name = "gemm"
  package static let about =
    "a product of a training step, forward or of the way back, packed in the call"
  package static let smallest = Problem(m: 37, n: 53, k: 61)
  package static let defaults = ["precision": "fp32", "pass": "forward"]

  package static let variants: [Variant<GemmWorkload>] = {
    [.reference()]
      + InstructionSet.having(.training).map { set in
        Variant(set) { problem, operands, execution in
          let (rows, columns, terms) = problem.product
          let gemm = try Gemm([.init(n: columns, k: terms)], instructions: set, execution)
          return OperationKernel(operands) { operands in
            let (a, b) = matrices(problem, operands)
            gemm.multiply(
              a, rows: rows, k: terms,
              .init(b, n: columns, to: operands.c.pointer(to: Float.self)))
          }
        }
      }
  }()

  private static func matrices(_ problem: Problem, _ operands: Operands) -> (
    a: Gemm.Matrix, b: Gemm.Matrix
  ) {
    func matrix(_ tensor: Tensor, isTransposed: Bool) -> Gemm.Matrix {
      Gemm.Matrix(
        UnsafeRawPointer(tensor.start), stride: tensor.columns, isTransposed: isTransposed,
        element: .stored(problem.precision))
    }
    return (
      matrix(operands.a, isTransposed: problem.pass == .weight),
      matrix(operands.b, isTransposed: problem.pass != .forward)
    )
  }

  package static func workBound(of problem: Problem) -> Double {
    64 * product(problem.m, problem.n, problem.k)
  }

  /// Each of the m·n·k terms takes a product and a sum, whichever the pass.
  package static func work(of problem: Problem) -> Work {
    let (rows, columns, terms) = problem.product
    return Work(
      flops: 2 * rows * columns * terms,
      bytesRead: problem.precision.bytes(of: rows * terms + columns * terms),
      bytesWritten: ElementType.fp32.bytes(of: rows * columns),
      format: problem.precision.computeFormat)
  }

  package static func operands(
    for problem: Problem, seed: UInt64, in ledger: MemoryLedger
  ) throws -> Operands {
    let (m, n, k) = (problem.m, problem.n, problem.k)
    let element = problem.precision.elementType
    let (isForward, isWeight) = (problem.pass == .forward, problem.pass == .weight)
    let a = try ledger.tensor(
      element, isForward ? [m, k] : [m, n], isForward ? .activations : .gradients)
    let b = try ledger.tensor(
      element, isWeight ? [m, k] : [n, k], isWeight ? .activations : .weights)
    let c = try ledger.tensor(
      .fp32, [problem.product.rows, problem.product.columns],
      isForward ? .activations : .gradients)
    a.fillUniform(seed: seed)
    b.fillUniform(seed: seed &+ 0x9E37_79B9_7F4A_7C15)
    return Operands(a: a, b: b, c: c)
  }

  /// A result's path has as many roundings of sums as it has terms, and in fp32 as many of products, which are
  /// exact of 16 bits.
  package static func tolerance(of problem: Problem) -> Tolerance {
    let terms = problem.product.terms
    return .sum(roundings: problem.precision == .fp32 ? 2 * terms : terms)
  }

  package static func expectation(
    of problem: Problem, _ operands: Operands, at sample: OutputSample
  ) -> Expectation {
    let rows = sample.rows.map {
      problem.pass == .weight ? operands.a.column($0) : operands.a.row($0)
    }
    var values = [Double](repeating: 0, count: sample.count)
    var magnitudes = values
    for (place, column) in sample.columns.enumerated() {
      let other = problem.pass == .forward ? operands.b.row(column) : operands.b.column(column)
      for (row, numbers) in rows.enumerated() {
        let index = row * sample.columns.count + place
        (values[index], magnitudes[index]) = dot(numbers, other)
      }
    }
    return Expectation(values: values, magnitudes: magnitudes)
  }
}
