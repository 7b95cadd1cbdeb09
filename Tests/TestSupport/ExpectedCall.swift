import Kernels
import Quantities

/// What every call of a problem starts from and should give.
struct ExpectedCall<W: Workload> {
  let sample: OutputSample
  let expectation: Expectation
  let tolerance: Tolerance
  /// What is read, bit for bit: the same seed must make the same operands each time.
  let inputs: [[UInt8]]

  init(problem: W.Problem, seed: UInt64) throws {
    let operands = try W.operands(for: problem, seed: seed, in: MemoryLedger())
    guard let output = Self.output(of: operands) else { throw NoOutput() }
    sample = OutputSample(
      rows: output.rows, columns: output.columns, flopsPerResult: 1, flopBudget: .max,
      countBudget: .max, seed: seed)
    expectation = W.expectation(of: problem, operands, at: sample)
    tolerance = W.tolerance(of: problem)
    inputs = Self.inputs(of: operands)
  }

  private struct NoOutput: Error {}

  static func output(of operands: W.Operands) -> Tensor? {
    operands.operands.first { $0.access == .output }?.tensor
  }

  static func inputs(of operands: W.Operands) -> [[UInt8]] {
    operands.operands.filter { $0.access != .output }.map { bits(of: $0.tensor) }
  }

  static func outputs(of operands: W.Operands) -> [[UInt8]] {
    operands.operands.filter { $0.access == .output }.map { bits(of: $0.tensor) }
  }

  static func bits(of tensor: Tensor) -> [UInt8] {
    [UInt8](UnsafeRawBufferPointer(start: tensor.start, count: tensor.bytes.count))
  }

  /// The first result that is not as expected.
  func firstMistake(in output: Tensor) -> String? {
    guard expectation.values.count == sample.count, expectation.magnitudes.count == sample.count
    else {
      return "\(expectation.values.count) results are expected of \(sample.count)"
    }
    for (line, row) in sample.rows.enumerated() {
      for (place, column) in sample.columns.enumerated() {
        let index = line * sample.columns.count + place
        let value = Double(output[row * output.columns + column])
        let error = abs(value - expectation.values[index])
        let allowed = tolerance.relative * expectation.magnitudes[index]
        // Put so that a NaN is a mistake, too.
        if !(error <= allowed) {
          return "row \(row), column \(column) is \(value), expected "
            + "\(expectation.values[index]) ± \(scientific(allowed))"
        }
      }
    }
    return nil
  }
}
