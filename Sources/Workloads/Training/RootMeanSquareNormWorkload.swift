package import Kernels
import Models
package import Quantities

/// The norm of a layer's rows; and the way back, to the rows and to the gain.
///
/// - Shapes, work, error and source: as of `RootMeanSquareNorm`.
package enum RootMeanSquareNormWorkload: Workload {
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

    fileprivate var results: ActivationResults {
      ActivationResults(precision: precision, pass: pass)
    }
  }

  /// `x` is rows × columns in the precision, `gain` columns and `inverse` rows in fp32. Forward, `y` is as `x`, and
  /// `inverse` is written; backward, it is given, as is `dy`, rows × columns in fp32, and `y` are the gradients in
  /// fp32: those of the rows, and that of the gain as one row more.
  package struct Operands: OperandSet, TensorSet {
    package let x: Tensor
    package let gain: Tensor
    package let inverse: Tensor
    package let dy: Tensor?
    package let y: Tensor

    package var operands: [Operand] {
      let given = [Operand("x", x, .input), Operand("gain", gain, .input)]
      guard let dy else {
        return given + [Operand("y", y, .output), Operand("inverse", inverse, .output)]
      }
      return given + [Operand("inverse", inverse, .input), Operand("dy", dy, .input)]
        + [Operand("gradients", y, .output)]
    }

    func copy(in ledger: MemoryLedger) throws -> Operands {
      Operands(
        x: try ledger.copy(of: x, role: .activations),
        gain: try ledger.copy(of: gain, role: .weights),
        inverse: try ledger.copy(of: inverse, role: .activations),
        dy: try dy.map { try ledger.copy(of: $0, role: .gradients) },
        y: try ledger.copy(of: y, role: .activations))
    }
  }

  package static let name = "rms-norm"
  package static let about = "rows scaled to unit root mean square, times a gain; and its way back"
  package static let smallest = Problem(rows: 5, columns: 67)
  package static let defaults = ["precision": "fp32", "pass": "forward"]
  private static let epsilon = ModelShape.epsilon

  package static let variants: [Variant<RootMeanSquareNormWorkload>] = {
    [.reference()]
      + InstructionSet.having(.trainingSteps).map { set in
        Variant(set) { problem, operands, execution in
          let norm = RootMeanSquareNorm(
            columns: problem.columns, epsilon: epsilon, activations: problem.precision,
            instructions: set, pool: execution.pool)
          return OperationKernel(operands) { run(norm, $0, rows: problem.rows) }
        }
      }
  }()

  private static func run(_ norm: RootMeanSquareNorm, _ operands: Operands, rows: Int) {
    let (gain, inverse) = (
      operands.gain.pointer(to: Float.self), operands.inverse.pointer(to: Float.self)
    )
    let x = UnsafeRawPointer(operands.x.start)
    guard let dy = operands.dy?.pointer(to: Float.self) else {
      return norm.forward(x, gain: gain, rows: rows, to: operands.y.start, inverse: inverse)
    }
    let gradients = operands.y.pointer(to: Float.self)
    norm.backward(
      x, gain: gain, inverse: inverse, dy: dy, rows: rows, to: gradients, accumulates: false)
    norm.gainGradient(
      x, inverse: inverse, dy: dy, rows: rows, to: gradients + rows * norm.columns,
      accumulates: false)
  }

  package static func workBound(of problem: Problem) -> Double {
    64 * product(problem.rows + 1, problem.columns)
  }

  /// 4 flops a number forward, 10 backward.
  package static func work(of problem: Problem) -> Work {
    let (rows, columns) = (problem.rows, problem.columns)
    let count = rows * columns
    let activations = problem.precision.bytes(of: count)
    func floats(_ count: Int) -> Bytes { ElementType.fp32.bytes(of: count) }
    return switch problem.pass {
    case .forward:
      Work(
        flops: 4 * count, bytesRead: activations + floats(columns),
        bytesWritten: activations + floats(rows), format: .fp32)
    case .backward:
      Work(
        flops: 10 * count, bytesRead: activations + floats(count + columns + rows),
        bytesWritten: floats(count + columns), format: .fp32)
    }
  }

  package static func operands(
    for problem: Problem, seed: UInt64, in ledger: MemoryLedger
  ) throws -> Operands {
    let (rows, columns) = (problem.rows, problem.columns)
    let operands = Operands(
      x: try ledger.tensor(problem.precision.elementType, [rows, columns], .activations),
      gain: try ledger.tensor(.fp32, [columns], .weights),
      inverse: try ledger.tensor(.fp32, [rows], .activations),
      dy: try problem.results.incoming(rows, columns, in: ledger),
      y: try problem.results.output(rows, columns, gradientRows: rows + 1, in: ledger))
    operands.x.fillUniform(seed: seed)
    operands.gain.fillUniform(seed: seed &+ 0x9E37_79B9_7F4A_7C15)
    operands.dy?.fillUniform(seed: seed &+ 0x9E37_79B9_7F4A_7C15 &* 2)
    if !ledger.isPlan, problem.pass == .backward {
      for row in 0..<rows {
        operands.inverse.store(Float(inverse(of: operands.x.row(row))), at: row)
      }
    }
    return operands
  }

  private static func inverse(of row: [Double]) -> Double {
    1 / (row.reduce(0) { $0 + $1 * $1 } / Double(row.count) + Double(epsilon)).squareRoot()
  }

  /// Forward, half the roundings of a sum of squares, those of the root and of two products; backward, those of a
  /// sum over columns, or rows, and of what it is multiplied by. What is stored in 16 bits is rounded once more.
  package static func tolerance(of problem: Problem) -> Tolerance {
    problem.results.tolerance(.sum(roundings: 2 * max(problem.columns, problem.rows) + 12))
  }

  package static func expectation(
    of problem: Problem, _ operands: Operands, at sample: OutputSample
  ) -> Expectation {
    let gain = operands.gain.doubles(0..<problem.columns)
    var (values, magnitudes) = ([Double](), [Double]())
    for index in sample.rows {
      let row: (values: [Double], magnitudes: [Double])
      if let dy = operands.dy {
        row =
          index == problem.rows
          ? gainGradient(operands.x, dy)
          : gradient(x: operands.x.row(index), gain: gain, dy: dy.row(index))
      } else {
        let x = operands.x.row(index)
        let inverse = inverse(of: x)
        let y = zip(x, gain).map { $0 * inverse * $1 }
        row = (y, y.map { abs($0) })
      }
      for column in sample.columns {
        values.append(row.values[column])
        magnitudes.append(row.magnitudes[column])
      }
    }
    return problem.results.expectation(values, magnitudes: magnitudes)
  }

  private static func gradient(x: [Double], gain: [Double], dy: [Double]) -> (
    values: [Double], magnitudes: [Double]
  ) {
    let inverse = inverse(of: x)
    let slopes = zip(gain, dy).map { $0 * $1 }
    let (sum, size) = dot(slopes, x)
    let back = inverse * inverse / Double(x.count)
    return (
      zip(slopes, x).map { inverse * ($0 - $1 * back * sum) },
      zip(slopes, x).map { inverse * (abs($0) + abs($1) * back * size) }
    )
  }

  private static func gainGradient(_ x: Tensor, _ dy: Tensor) -> (
    values: [Double], magnitudes: [Double]
  ) {
    var sums = GradientSums(columns: x.columns)
    for row in 0..<x.rows {
      let numbers = x.row(row)
      let inverse = inverse(of: numbers)
      sums.add(1, size: 1, error: 0, zip(numbers, dy.row(row)).map { $0 * $1 * inverse })
    }
    return (sums.values, sums.magnitudes)
  }
}
