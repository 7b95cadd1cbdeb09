import Comparing
import Glibc
import Quantities
import Records
import Running
import Testing

/// What a gate makes of sides that do not do well, of time that is over, and of an interruption.
struct GateEndingTests {
  typealias Moment = SweepEndingTests.Moment

  private static let options = "measure: { timeout: 4 s }\ngate: { turn: 5 ms }"

  private func gate(
    _ axes: String = "nanoseconds: [1, 2], threads: 1", _ options: String = Self.options,
    _ script: @escaping @Sendable (FakeHost.Asked) -> FakeHost.Said
  ) throws -> FakeGate {
    FakeGate(try Plans.plan(axes, options), on: FakeHost(script))
  }

  @Test(arguments: [
    (Moment.preparing, FakeHost.Said.silence, "no answer within 4.00 s while preparing"),
    (.sampling, .silence, "no answer within 4.00 s while sampling"),
    (.leaving, .silence, "no answer within 4.00 s while finishing"),
    (.preparing, .ends(.signaled(SIGSEGV), words: "a\nb"), "SIGSEGV while preparing: b"),
    (.sampling, .ends(.exited(2)), "the worker left while sampling"),
    (.preparing, .line("?"), "the worker wrote a line that is none of the protocol's: ?"),
    (
      .sampling, .line(Lines.finished),
      "the worker answered what cannot be: what it was not asked for"
    ),
    (
      .preparing, .answer(.failed(outcome: .failedCheck(reason: "far off"), check: nil)),
      "far off"
    ),
  ])
  func `a side's failure is its case's, by name, and the others go on`(
    moment: Moment, said: FakeHost.Said, words: String
  ) async throws {
    let gate = try gate { asked in
      asked.program == "/head" && asked.key == 1 && moment.isNow(asked.request)
        ? said : asked.gated()
    }
    let cells = try await gate.run().answer.cells
    #expect(cells.map(\.verdict) == [.failed, .pass])
    #expect(cells.first?.reason == "head: \(words)")
    // Once is enough.
    #expect(
      gate.host.happenings(.prepare).count { $0.program == "/head" && $0.key == 1 } == 1)
    #expect(gate.host.living.isEmpty)
  }

  /// All cases are of the same program.
  @Test(arguments: [
    (FakeHost.Said.silence, "the worker did not say hello within 4.00 s"),
    (.ends(.exited(127)), "the worker ended before it said hello: exited(127)"),
  ])
  func `a side without a hello is a failure of each case`(
    said: FakeHost.Said, words: String
  ) async throws {
    let gate = try gate { asked in
      asked.program == "/head" && asked.request == nil ? said : asked.gated()
    }
    let cells = try await gate.run().answer.cells
    #expect(cells.map(\.verdict) == [.failed, .failed])
    #expect(cells.map(\.reason) == ["head: \(words)", "head: \(words)"])
    #expect(gate.host.living.isEmpty)
  }

  @Test func `base is compared with itself on the first case that does well`() async throws {
    let gate = try gate { asked in
      asked.program == "/base" && asked.key == 1 && Moment.preparing.isNow(asked.request)
        ? .silence : asked.gated()
    }
    let result = try await gate.run()
    #expect(result.answer.cells.map(\.verdict) == [.failed, .pass])
    #expect(result.answer.cells.first?.reason?.hasPrefix("base: ") == true)
    #expect(result.null.count > 0)
    #expect(
      gate.host.samples.filter { $0.program == "/copy" }.allSatisfy { $0.key == 2 })
  }

  /// Head's turns come out on either side of base's, so that nothing is ever decided.
  private static func undecided(_ asked: FakeHost.Asked) -> FakeHost.Said {
    let isSlow = asked.host.happenings(.prepare).count % 4 < 2
    return asked.gated(head: isSlow ? 1.2 : 0.9)
  }

  @Test func `a time that was given ends what is undecided, by name`() async throws {
    let gate = try gate("nanoseconds: [1, 2], threads: 1") { Self.undecided($0) }
    let result = try await gate.run { $0.time = Seconds(2) }
    #expect(result.answer.cells.map(\.verdict) == [.inconclusive, .inconclusive])
    for cell in result.answer.cells {
      #expect(cell.reason?.hasSuffix("its time of 2.00 s was over") == true)
      #expect(cell.blocks > 0)
    }
    // A block takes under 0.3 s of the fake clock: no more was begun.
    #expect(gate.host.manual.now() < 2_300_000_000)
    #expect(gate.host.living.isEmpty)
  }

  @Test func `the suite's time is taken where none was given`() async throws {
    let gate = try gate(
      "nanoseconds: 1, threads: 1", "gate: { turn: 5 ms, time: 1 s }"
    ) { Self.undecided($0) }
    let cells = try await gate.run().answer.cells
    #expect(cells.map(\.verdict) == [.inconclusive])
    #expect(cells.first?.reason?.hasSuffix("its time of 1.00 s was over") == true)
  }

  @Test(arguments: Moment.allCases)
  func `an interruption leaves no child behind`(moment: Moment) async throws {
    let gate = try gate { asked in
      // In the third block, whose processes were started in the second.
      moment.isNow(asked.request) && asked.host.happenings(.finish).count >= 4
        ? .interruption : asked.gated()
    }
    let result = try await interrupted {
      let session = try gate.session()
      await #expect(throws: CancellationError.self) { try await session.run { _ in } }
      return session.result
    }
    #expect(gate.host.living.isEmpty)
    // What there was before it is whole.
    #expect(result.null.count + result.cells.map(\.blocks.count).reduce(0, +) >= 1)
  }
}
