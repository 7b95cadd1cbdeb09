import Foundation
import Quantities
import Records
import Running
import Testing

@Suite struct ChildEndingTests {
  @Test func `a time-out is one, however the child then ended`() {
    let ending = ChildEnding(
      ending: .signaled(SIGKILL), timedOut: true, timeout: Seconds(4), doing: "sampling",
      groupKills: 1)
    #expect(ending.outcome == .timedOut(reason: "no answer within 4.00 s while sampling"))
  }

  /// SIGKILL says nothing by itself: who counted a kill tells.
  @Test(arguments: [
    (1, 0, "out-of-memory(limit)"), (1, 1, "out-of-memory(limit)"),
    (0, 1, "out-of-memory(killed)"), (0, 0, "crashed(SIGKILL)"),
  ])
  func `a kill is told by who counted one`(group: Int, machine: Int, outcome: String) {
    let ending = ChildEnding(
      ending: .signaled(SIGKILL), doing: "preparing", groupKills: group, machineKills: machine)
    #expect(ending.outcome.description == outcome)
  }

  @Test(arguments: [(1, 0), (0, 1)])
  func `what was live is told of a kill for want of memory`(group: Int, machine: Int) {
    let live = "live in backward: weights 1.00 GiB"
    let ending = ChildEnding(
      ending: .signaled(SIGKILL), doing: "preparing", groupKills: group, machineKills: machine,
      live: live)
    #expect(ending.outcome.reason?.hasSuffix("; \(live)") == true)
  }

  @Test(arguments: [SIGABRT, SIGSEGV, SIGILL, SIGTRAP])
  func `a trap near the limit is the limit's`(signal: Int32) {
    func outcome(dataSize: Bytes?, limit: Bytes?, said: String = "") -> String {
      ChildEnding(
        ending: .signaled(signal), doing: "preparing", lastWords: said, dataSize: dataSize,
        limit: limit
      ).outcome.name
    }
    #expect(outcome(dataSize: .mebibytes(63), limit: .mebibytes(64)) == "out-of-memory")
    #expect(outcome(dataSize: .mebibytes(62), limit: .mebibytes(64)) == "crashed")
    #expect(
      outcome(dataSize: nil, limit: .mebibytes(64), said: "x failed to allocate y")
        == "out-of-memory")
    #expect(outcome(dataSize: .mebibytes(64), limit: nil) == "crashed")
  }

  @Test func `a crash tells the signal and the last words`() {
    let ending = ChildEnding(
      ending: .signaled(SIGSEGV), doing: "sampling", lastWords: "first\nlast line\n")
    #expect(
      ending.outcome == .crashed(signal: "SIGSEGV", reason: "SIGSEGV while sampling: last line"))
    #expect(ChildEnding(ending: .exited(3), doing: "preparing").outcome.kind == "exit 3")
    #expect(ChildEnding(ending: .signaled(60), doing: "x").outcome.kind == "signal 60")
  }
}
