import Comparing
import Quantities
import Running

/// The exit codes that scripts depend on.
enum ExitStatus: Int32, Error {
  case good = 0
  case regression = 1
  /// Usage, or bad input.
  case usage = 2
  case inconclusive = 3
  case notComparable = 4
  /// Out of memory, a crash, a time-out, a failed check.
  case caseFailed = 5
  case nothingMeasured = 6

  /// What a verdict leaves with; nothing where all is well.
  private init?(of verdict: SuiteVerdict) {
    switch verdict {
    case .pass: return nil
    case .regressed, .staleAcceptance: self = .regression
    case .inconclusive, .contaminated: self = .inconclusive
    case .notComparable: self = .notComparable
    case .failed: self = .caseFailed
    case .nothingJudged: self = .nothingMeasured
    }
  }

  static func leave(with verdict: SuiteVerdict, allowInconclusive: Bool) throws {
    guard let status = ExitStatus(of: verdict) else { return }
    if status == .inconclusive, allowInconclusive { return }
    throw status
  }

  init(of fault: any FaultConvertible) {
    switch fault {
    case SweepFault.otherMachine, GateFault.otherProtocol: self = .notComparable
    case ProberFault.ended: self = .caseFailed
    default: self = .usage
    }
  }
}
