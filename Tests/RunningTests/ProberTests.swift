import Quantities
import Records
import Running
import SystemPackage
import Testing

/// What becomes of a sweep whose prober does not do well.
struct ProberTests {
  private func start(_ said: FakeHost.Said) async throws -> (fault: Fault?, host: FakeHost) {
    let host = FakeHost { asked in
      if case .ceilings = asked.request { said } else { asked.well }
    }
    do {
      _ = try await ProberProcess.start(
        program: FilePath("/own/headroom"), on: host, machine: Plans.machine, threads: [1],
        cpus: [0], room: Plans.room)
      return (nil, host)
    } catch {
      return ((error as? any FaultConvertible)?.fault, host)
    }
  }

  @Test(arguments: [
    (
      FakeHost.Said.ends(.exited(1), words: "first\nno room\n"),
      "the machine's ceilings could not be measured: exited(1): no room"
    ),
    (
      .answer(.ceilings(Ceilings(compute: [], bandwidth: [], clockCost: Seconds(1e-8)))),
      "the machine's ceilings could not be measured: the probes did not say what memory can do"
    ),
    (.line("?"), "the worker wrote a line that is none of the protocol's: ?"),
  ])
  func `without ceilings no sweep begins, and nothing is left`(
    said: FakeHost.Said, words: String
  ) async throws {
    let (fault, host) = try await start(said)
    #expect(fault?.what == words)
    #expect(host.living.isEmpty)
  }

  @Test func `a probe that does not come ends the sweep, and leaves no child`() async throws {
    let host = FakeHost { asked in
      guard case .probe = asked.request, asked.host.happenings(.probe).count == 3 else {
        return asked.well
      }
      return .silence
    }
    let sweep = FakeSweep(try Plans.plan("nanoseconds: [1, 2], threads: 1"), on: host)
    await #expect(throws: ProberFault.ended) { try await sweep.run() }
    #expect(host.living.isEmpty)
  }
}
