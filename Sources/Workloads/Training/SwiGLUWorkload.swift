import Glibc
package import Kernels
package import Quantities

/// The gated unit of a layer's network; and the way back.
///
/// - Shapes, work, error and source: as of `SwiGLU`.
package enum SwiGLUWorkload: Workload {
  /// Rows of activations.
  package struct Problem: Codable, Hashable, Sendable {
    package let rows: Int
    package let columns: Int
    /// Of activations: gradients are in fp32.
    package let precision: FloatFormat
    package let pass: TrainingPass

    /// Any sizes from 1 up make a problem.
    package init(
      rows: Int, columns: Int, precision: FloatFormat = .fp32, pass: TrainingPass = .forward
    ) {
      self.rows = rows
      self.columns = columns
      self.precision = precision
      self.pass = pass
    }

    fileprivate var count: Int { rows * columns }
    fileprivate var results: ActivationResults {
      ActivationResults(precision: precision, pass: pass)
    }
  }

  /// `gate` and `up` are rows × columns in the precision. Forward, `y` is as they are; backward, `dy` is given, rows
  /// × columns in fp32, and `y` are the gradients of `gate` and, after them, of `up`, in fp32.
  package struct Operands: OperandSet, TensorSet {
    package let gate: Tensor
    package let up: Tensor
    package let dy: Tensor?
    package let y: Tensor

    package var operands: [Operand] {
      let given = [Operand("gate", gate, .input), Operand("up", up, .input)]
      guard let dy else { return given + [Operand("y", y, .output)] }
      return given + [Operand("dy", dy, .input), Operand("gradients", y, .output)]
    }

    func copy(in ledger: MemoryLedger) throws -> Operands {
      Operands(
        gate: try ledger.copy(of: gate, role: .activations),
        up: try ledger.copy(of: up, role: .activations),
        dy: try dy.map { try ledger.copy(of: $0, role: .gradients) },
        y: try ledger.copy(of: y, role: .activations))
    }
  }

  package static let name = "swiglu"
  package static let about = "silu(gate) · up, number by number; and its way back"
  package static let smallest = Problem(rows: 41, columns: 101)
  package static let defaults = ["precision": "fp32", "pass": "forward"]

  package static let variants: [Variant<SwiGLUWorkload>] = {
    [.reference()]
      + InstructionSet.having(.trainingSteps).map { set in
        Variant(set) { problem, operands, execution in
          let unit = SwiGLU(
            activations: problem.precision, instructions: set, pool: execution.pool)
          return OperationKernel(operands) { run(unit, $0, count: problem.count) }
        }
      }
  }()

  private static func run(_ unit: SwiGLU, _ operands: Operands, count: Int) {
    guard let dy = operands.dy?.pointer(to: Float.self) else {
      return unit.forward(
        gate: operands.gate.start, up: operands.up.start, count: count, to: operands.y.start)
    }
    let gradients = operands.y.pointer(to: Float.self)
    unit.backward(
      gate: operands.gate.start, up: operands.up.start, dy: dy, count: count, dgate: gradients,
      dup: gradients + count)
  }

  package static func workBound(of problem: Problem) -> Double {
    64 * product(problem.rows, problem.columns)
  }

  /// 4 flops a number forward, 8 backward; exponentials are not counted.
  package static func work(of problem: Problem) -> Work {
    let activations = problem.precision.bytes(of: problem.count)
    let floats = ElementType.fp32.bytes(of: problem.count)
    return switch problem.pass {
    case .forward:
      Work(
        flops: 4 * problem.count, bytesRead: activations + activations, bytesWritten: activations,
        format: .fp32)
    case .backward:
      Work(
        flops: 8 * problem.count, bytesRead: activations + activations + floats,
        bytesWritten: floats + floats, format: .fp32)
    }
  }

  /// Gates go from −8 to 8, where the sigmoid is as good as 0 and 1.
  package static func operands(
    for problem: Problem, seed: UInt64, in ledger: MemoryLedger
  ) throws -> Operands {
    let (rows, columns) = (problem.rows, problem.columns)
    let element = problem.precision.elementType
    let operands = Operands(
      gate: try ledger.tensor(element, [rows, columns], .activations),
      up: try ledger.tensor(element, [rows, columns], .activations),
      dy: try problem.results.incoming(rows, columns, in: ledger),
      y: try problem.results.output(rows, columns, gradientRows: 2 * rows, in: ledger))
    operands.gate.fillUniform(seed: seed)
    operands.gate.scale(by: 8)
    operands.up.fillUniform(seed: seed &+ 0x9E37_79B9_7F4A_7C15)
    operands.dy?.fillUniform(seed: seed &+ 0x9E37_79B9_7F4A_7C15 &* 2)
    return operands
  }

  /// The sigmoid is within 4 units of the last place, 8 roundings: it stands once in a result forward, twice in
  /// the slope of the way back; besides there are 4 roundings, or 8. What is stored in 16 bits is rounded once
  /// more.
  package static func tolerance(of problem: Problem) -> Tolerance {
    problem.results.tolerance(.sum(roundings: problem.pass == .forward ? 12 : 24))
  }

  package static func expectation(
    of problem: Problem, _ operands: Operands, at sample: OutputSample
  ) -> Expectation {
    var (values, magnitudes) = ([Double](), [Double]())
    for row in sample.rows {
      for column in sample.columns {
        let index = row % problem.rows * problem.columns + column
        let (value, magnitude) = result(operands, at: index, isOfUp: row >= problem.rows)
        values.append(value)
        magnitudes.append(magnitude)
      }
    }
    return problem.results.expectation(values, magnitudes: magnitudes)
  }

  /// One result, and the magnitude of its terms.
  private static func result(_ operands: Operands, at index: Int, isOfUp: Bool) -> (Double, Double)
  {
    let (gate, up) = (Double(operands.gate[index]), Double(operands.up[index]))
    let sigmoid = 1 / (1 + exp(-gate))
    guard let dy = operands.dy.map({ Double($0[index]) }) else {
      let y = gate * sigmoid * up
      return (y, abs(y))
    }
    guard !isOfUp else { return (dy * gate * sigmoid, abs(dy * gate * sigmoid)) }
    return (
      dy * up * sigmoid * (1 + gate * (1 - sigmoid)),
      abs(dy * up) * sigmoid * (1 + abs(gate) * (1 + sigmoid))
    )
  }
}
