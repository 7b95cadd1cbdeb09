import Kernels
import Quantities
import Records

/// Holds one call's result against the reference, on the case's own operands.
struct ResultCheck<W: Workload> {
  let problem: W.Problem
  let operands: W.Operands
  let seed: UInt64

  /// Runs the call once. The output starts out as NaN, so that what was not written is seen, and
  /// all of it is looked over for that; the values are compared where the sample says.
  func check(_ call: () -> Void) throws -> Record.Check {
    guard let output = operands.operands.first(where: { $0.access == .output })?.tensor else {
      throw Fault("\(W.name) has no output to check")
    }
    output.fillNaN()
    call()
    let flops = W.work(of: problem).flops
    let sample = OutputSample(
      rows: output.rows, columns: output.columns, flopsPerResult: flops / max(1, output.count),
      seed: seed)
    let expected = W.expectation(of: problem, operands, at: sample)
    let tolerance = W.tolerance(of: problem)
    var worst = (error: 0.0, row: sample.rows[0], column: sample.columns[0])
    for (line, row) in sample.rows.enumerated() {
      for (place, column) in sample.columns.enumerated() {
        let index = line * sample.columns.count + place
        let error = Self.error(
          of: Double(output[row * output.columns + column]), expected.values[index],
          expected.magnitudes[index])
        if error > worst.error { worst = (error, row, column) }
      }
    }
    if let place = Self.firstNotFinite(in: output) {
      worst = (.greatestFiniteMagnitude, place / output.columns, place % output.columns)
    }
    return Record.Check(
      passed: worst.error <= tolerance.relative, relative: worst.error,
      tolerance: tolerance.relative, basis: tolerance.basis, sampling: sample.label,
      worst: "row \(worst.row), column \(worst.column)")
  }

  /// What a failed check tells.
  static func reason(of check: Record.Check) -> String {
    if check.relative == .greatestFiniteMagnitude {
      return "the result at \(check.worst) is wrong without measure: not written, not finite, "
        + "or not 0 where it must be"
    }
    return "error \(scientific(check.relative)) at \(check.worst), tolerance "
      + scientific(check.tolerance)
  }

  /// Relative to the terms' magnitudes; a result that is no number has the largest error there is.
  private static func error(of value: Double, _ expected: Double, _ magnitude: Double) -> Double {
    guard value.isFinite else { return .greatestFiniteMagnitude }
    let difference = abs(value - expected)
    guard difference > 0 else { return 0 }
    return magnitude > 0 ? difference / magnitude : .greatestFiniteMagnitude
  }

  private static func firstNotFinite(in output: Tensor) -> Int? {
    (0..<output.count).first { !output[$0].isFinite }
  }
}
