import Glibc
import Planning
import Quantities
import Records
import Running
import Testing

/// One failure, and what it is to a sweep, a gate and a calibration.
struct ChildFailureTests {
  @Test(arguments: [
    (
      ChildFailure.told(.skipped(reason: "not here"), nil), Outcome.skipped(reason: "not here"),
      "not here"
    ),
    (.told(.ok, nil), .ok, "ok"),
    (
      .ended(ChildEnding(ending: .signaled(SIGBUS), doing: "sampling", lastWords: "x")),
      .crashed(signal: "SIGBUS", reason: "SIGBUS while sampling: x"), "SIGBUS while sampling: x"
    ),
    (
      .ended(
        ChildEnding(
          ending: .signaled(SIGKILL), timedOut: true, timeout: Seconds(2), doing: "preparing")),
      .timedOut(reason: "no answer within 2.00 s while preparing"),
      "no answer within 2.00 s while preparing"
    ),
    (
      .unusable(ChildFault.silent(Seconds(2))), .timedOut(reason: "no hello within 2.00 s"),
      "the worker did not say hello within 2.00 s"
    ),
    (
      .unusable(ChildFault.garbage("?")),
      .crashed(
        signal: "worker", reason: "the worker wrote a line that is none of the protocol's: ?"),
      "the worker wrote a line that is none of the protocol's: ?"
    ),
  ])
  func `a failure is an outcome, and a reason`(
    failure: ChildFailure, outcome: Outcome, reason: String
  ) {
    #expect(failure.outcome() == outcome)
    #expect(failure.reason == reason)
  }

  @Test func `a user's own command is named`() {
    let failure = ChildFailure.unusable(Fault("it is not there"))
    #expect(
      failure.outcome(of: "./k --fast")
        == .crashed(signal: "command", reason: "'./k --fast': it is not there"))
  }

  @Test func `a calibration is told which case to leave out`() throws {
    let planned = try #require(try Plans.plan("nanoseconds: 1").cases.first)
    let fault = ChildFailure.told(.timedOut(reason: "too late"), nil).refusal(of: planned)
    #expect(fault.what == "a case failed: too late")
    #expect(fault.place == planned.case.id)
    #expect(fault.mend == "leave it out with --filter, or see: \(planned.case.repro)")
  }
}
