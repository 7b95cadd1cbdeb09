import Kernels
import Quantities

/// Results of an operation on activations: forward as they are stored, on the way back gradients in fp32.
struct ActivationResults {
  let precision: FloatFormat
  let pass: TrainingPass

  /// What is written: as many numbers as activations, or rows of gradients.
  func output(
    _ rows: Int, _ columns: Int, gradientRows: Int, in ledger: MemoryLedger
  ) throws -> Tensor {
    switch pass {
    case .forward: try ledger.tensor(precision.elementType, [rows, columns], .activations)
    case .backward: try ledger.tensor(.fp32, [gradientRows, columns], .gradients)
    }
  }

  /// The gradient that the way back begins with.
  func incoming(_ rows: Int, _ columns: Int, in ledger: MemoryLedger) throws -> Tensor? {
    pass == .forward ? nil : try ledger.tensor(.fp32, [rows, columns], .gradients)
  }

  /// That of the arithmetic; what is stored in 16 bits is rounded once more.
  func tolerance(_ arithmetic: Tolerance) -> Tolerance {
    guard pass == .forward, precision != .fp32 else { return arithmetic }
    return Tolerance(
      relative: arithmetic.relative + precision.rounding,
      basis: "\(arithmetic.basis), a rounding to \(precision.rawValue)")
  }

  /// fp16 keeps no more than 24 bits after the point.
  func expectation(_ values: [Double], magnitudes: [Double]) -> Expectation {
    Expectation(
      values: values, magnitudes: magnitudes,
      allowances: pass == .forward && precision == .fp16 ? values.map { _ in 0x1p-25 } : [])
  }
}
