package import Planning
package import Quantities
package import Records

/// Why a child did not do what it was asked, and what that means to who asked: a case's outcome, the
/// failure of a build's side, or the refusal of a calibration.
package enum ChildFailure: Error {
  /// There is no child to talk to, or what it says cannot be.
  case unusable(any FaultConvertible)
  /// It said itself that the case has no result.
  case told(Outcome, Record.Check?)
  /// It ended while it was asked something.
  case ended(ChildEnding)

  /// To a sweep: how the case ended.
  ///
  /// - Parameter command: the user's own one that is the case's variant, if one is.
  package func outcome(of command: String? = nil) -> Outcome {
    switch self {
    case .told(let outcome, _): outcome
    case .ended(let ending): ending.outcome
    case .unusable(ChildFault.silent(let patience)):
      .timedOut(reason: "no hello within \(patience)")
    case .unusable(let fault):
      .crashed(
        signal: command == nil ? "worker" : "command",
        reason: command.map { "'\($0)': \(fault.fault.what)" } ?? fault.fault.what)
    }
  }

  /// To a gate: why a side has no time.
  package var reason: String {
    switch self {
    case .told(let outcome, _): outcome.reason ?? outcome.name
    case .ended(let ending): ending.outcome.reason ?? ending.outcome.name
    case .unusable(let fault): fault.fault.what
    }
  }

  /// To a calibration: that it cannot go on with this case.
  package func refusal(of planned: PlannedCase) -> Fault {
    Fault(
      "a case failed: \(reason)", at: planned.case.id,
      fix: "leave it out with --filter, or see: \(planned.case.repro)")
  }

  /// Runs what starts or asks a child, and makes a failure of whatever is wrong with it.
  ///
  /// - Throws: a `ChildFailure`; what this program is interrupted by as it is.
  static func telling<Value>(_ body: () async throws -> Value) async throws -> Value {
    do {
      return try await body()
    } catch {
      try Task.checkCancellation()
      if error is CancellationError || error is ChildFailure { throw error }
      throw ChildFailure.unusable((error as? any FaultConvertible) ?? Fault("\(error)"))
    }
  }
}
