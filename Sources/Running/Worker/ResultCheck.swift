import Kernels
import Quantities
import Records
import Workloads

/// Holds one call's result against the reference, on the case's own operands.
struct ResultCheck<W: Workload> {
  let problem: W.Problem
  let operands: W.Operands
  let seed: UInt64
  /// What is smaller than the case's own problem, if so.
  var label: String?

  /// Runs the call once. The output starts out as NaN, so that what was not written is seen, and
  /// all of it is looked over for that; the values are compared where the sample says.
  func check(_ call: () -> Void) throws -> Record.Check {
    let output = try output
    output.fillNaN()
    call()
    let flops = W.work(of: problem).flops
    let sample = OutputSample(
      rows: output.rows, columns: output.columns,
      flopsPerResult: W.checksAll ? 1 : flops / max(1, output.count), seed: seed)
    let expected = W.expectation(of: problem, operands, at: sample)
    let tolerance = W.tolerance(of: problem)
    var worst = (
      error: 0.0, limit: tolerance.relative, row: sample.rows[0], column: sample.columns[0]
    )
    for (line, row) in sample.rows.enumerated() {
      for (place, column) in sample.columns.enumerated() {
        let index = line * sample.columns.count + place
        let (error, limit) = expected.judge(
          Double(output[row * output.columns + column]), at: index, tolerance)
        if Self.excess(error, limit) > Self.excess(worst.error, worst.limit) {
          worst = (error, limit, row, column)
        }
      }
    }
    if let place = Self.firstNotFinite(in: output) {
      worst = (
        .greatestFiniteMagnitude, tolerance.relative, place / output.columns,
        place % output.columns
      )
    }
    return Record.Check(
      passed: worst.error <= worst.limit, relative: worst.error,
      tolerance: worst.limit, basis: tolerance.basis,
      sampling: (label.map { "\($0): " } ?? "") + sample.label,
      worst: "row \(worst.row), column \(worst.column)", ofFormat: expected.formatError)
  }

  /// The check of a smaller problem, unless a call of this one leaves something that is no number.
  func finite(_ check: Record.Check, _ call: () -> Void) throws -> Record.Check {
    let output = try output
    output.fillNaN()
    call()
    guard let place = Self.firstNotFinite(in: output) else { return check }
    return Record.Check(
      passed: false, relative: .greatestFiniteMagnitude, tolerance: check.tolerance,
      basis: check.basis, sampling: check.sampling,
      worst: "row \(place / output.columns), column \(place % output.columns)",
      ofFormat: check.ofFormat)
  }

  /// A digest of what the call writes: the same bits give the same one in every build.
  func digest(_ call: () -> Void) throws -> String {
    let output = try output
    output.fillNaN()
    call()
    var digest = Digest()
    let bytes = UnsafeRawBufferPointer(start: output.start, count: output.bytes.count)
    let words = bytes.count / 8
    for index in 0..<words {
      digest.take(bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))
    }
    for byte in bytes[(8 * words)...] { digest.take(UInt64(byte)) }
    return digest.text
  }

  private var output: Tensor {
    get throws {
      guard let output = operands.operands.first(where: { $0.access == .output })?.tensor else {
        throw Fault("\(W.name) has no output to check")
      }
      return output
    }
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

  /// How much of its limit an error takes.
  private static func excess(_ error: Double, _ limit: Double) -> Double {
    error == 0 ? 0 : limit > 0 ? error / limit : .infinity
  }

  private static func firstNotFinite(in output: Tensor) -> Int? {
    (0..<output.count).first { !output[$0].isFinite }
  }
}
