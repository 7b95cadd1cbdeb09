import Glibc
import Quantities
import Records
import Running
import Testing

/// What a sweep makes of children that do not do well.
struct SweepEndingTests {
  /// The moments at which a child can go wrong.
  enum Moment: String, CaseIterable {
    case hello, preparing, sampling, leaving

    func isNow(_ request: Request?) -> Bool {
      switch (self, request) {
      case (.hello, nil), (.preparing, .prepare), (.sampling, .sample), (.leaving, .finish): true
      default: false
      }
    }
  }

  /// One case, whose second block or other moment goes wrong; a second one must still be run.
  private func record(
    _ moment: Moment, _ said: FakeHost.Said, axes: String = "threads: 1",
    _ options: String = "measure: { budget: 350 ms, timeout: 4 s }", groupKills: Int? = nil,
    machineKills: Int = 0
  ) async throws -> Record {
    let host = FakeHost(groupKills: groupKills, machineKills: machineKills) { asked in
      guard asked.child == "child-1", moment.isNow(asked.request),
        moment != .sampling || asked.blocks == 1
      else { return asked.well }
      return said
    }
    let sweep = FakeSweep(try Plans.plan("nanoseconds: [1, 2], \(axes)", options), on: host)
    let records = try await sweep.run()
    #expect(records.map { $0.case.key } == [1, 2])
    #expect(records.last?.outcome == .ok)
    #expect(host.living.isEmpty)
    #expect(host.limits == 0)
    return try #require(records.first)
  }

  @Test(arguments: [
    (Moment.hello, "no hello within 4.00 s"),
    (.preparing, "no answer within 4.00 s while preparing"),
    (.sampling, "no answer within 4.00 s while sampling"),
  ])
  func `a child that is silent for too long is a time-out, in words of when`(
    moment: Moment, words: String
  ) async throws {
    #expect(try await record(moment, .silence).outcome == .timedOut(reason: words))
  }

  /// All its figures are there by then.
  @Test func `one that is silent when it should leave keeps its blocks`() async throws {
    let record = try await record(.leaving, .silence)
    #expect(record.outcome == .ok)
    #expect(record.timing?.blocks.count == 4)
    #expect(record.memory == nil)
  }

  @Test(arguments: [
    (ProcessEnding.exited(3), "crashed(exit 3)", "the worker left while preparing: bye"),
    (.exited(0), "crashed(exit 0)", "the worker left while preparing: bye"),
    (.signaled(SIGABRT), "crashed(SIGABRT)", "SIGABRT while preparing: bye"),
    (.signaled(SIGSEGV), "crashed(SIGSEGV)", "SIGSEGV while preparing: bye"),
    (.signaled(SIGKILL), "crashed(SIGKILL)", "killed from outside while preparing"),
    (.notStarted("no such file"), "crashed(exit)", "no such file"),
  ])
  func `a child that ends says how, and its last words`(
    ending: ProcessEnding, outcome: String, reason: String
  ) async throws {
    let record = try await record(.preparing, .ends(ending, words: "well\nbye\n"))
    #expect(record.outcome.description == outcome)
    #expect(record.outcome.reason == reason)
    #expect(record.lastWords == "well\nbye\n")
  }

  @Test func `a crash while sampling keeps the blocks before it`() async throws {
    let record = try await record(.sampling, .ends(.signaled(SIGILL)))
    #expect(record.outcome == .crashed(signal: "SIGILL", reason: "SIGILL while sampling"))
    #expect(record.timing?.blocks.count == 1)
  }

  @Test func `a crash while leaving is one, and an exit is none`() async throws {
    let crash = try await record(.leaving, .ends(.signaled(SIGSEGV), words: "oh"))
    #expect(crash.outcome == .crashed(signal: "SIGSEGV", reason: "SIGSEGV while leaving: oh"))
    #expect(try await record(.leaving, .ends(.exited(1))).outcome == .ok)
  }

  @Test(arguments: [(1, 1, "out-of-memory(limit)"), (0, 1, "out-of-memory(killed)")])
  func `a kill under a limit is told by who counted it`(
    group: Int, machine: Int, outcome: String
  ) async throws {
    let record = try await record(
      .preparing, .ends(.signaled(SIGKILL)),
      "measure: { budget: 350 ms, memory-limit: 1 GiB }", groupKills: group,
      machineKills: machine)
    #expect(record.outcome.description == outcome)
  }

  @Test func `an end before the hello is a crash of the worker`() async throws {
    let record = try await record(.hello, .ends(.exited(127)))
    #expect(record.outcome.description == "crashed(worker)")
    #expect(
      record.outcome.reason?.hasPrefix("the worker ended before it said hello") == true)
  }

  @Test(arguments: [
    (Moment.hello, "hi", "the worker wrote a line that is none of the protocol's: hi"),
    (
      .hello, Lines.hello(speaking: 99),
      "the worker speaks protocol 99, and this program 1 and 2"
    ),
    (.preparing, "{", "the worker wrote a line that is none of the protocol's: {"),
    (
      .preparing, Lines.prepared(calls: 0),
      "the worker answered what cannot be: a sample is of 0 calls"
    ),
    (
      .preparing, Lines.finished, "the worker answered what cannot be: what it was not asked for"
    ),
    (
      .sampling, Lines.prepared(), "the worker answered what cannot be: what it was not asked for"
    ),
    (.sampling, "no", "the worker wrote a line that is none of the protocol's: no"),
    (.leaving, "no", "the worker wrote a line that is none of the protocol's: no"),
  ])
  func `a line that cannot be is the worker's crash, and says which`(
    moment: Moment, line: String, reason: String
  ) async throws {
    let record = try await record(moment, .line(line))
    #expect(record.outcome == .crashed(signal: "worker", reason: reason))
  }

  @Test func `a time that cannot be is none of a block's`() async throws {
    let record = try await record(.sampling, .answer(.block(samples: [0.001, -1])))
    #expect(record.outcome.description == "crashed(worker)")
    #expect(record.timing?.blocks.count == 1)
  }

  @Test func `what a worker says of its case is the case's outcome`() async throws {
    let outcome = Outcome.outOfMemory(.budget, reason: "too much")
    let record = try await record(.preparing, .answer(.failed(outcome: outcome, check: nil)))
    #expect(record.outcome == outcome)
    #expect(record.timing == nil)
  }

  @Test(arguments: [("", 0), (", memory-limit: 1 GiB", 1)])
  func `only what has a limit is looked at while it prepares`(limit: String, count: Int)
    async throws
  {
    let sweep = FakeSweep(
      try Plans.plan("nanoseconds: 1, threads: 1", "measure: { budget: 350 ms\(limit) }"),
      on: FakeHost { $0.well })
    try await sweep.run()
    #expect(sweep.host.watched.count == count)
  }

  @Test(arguments: Moment.allCases)
  func `an interruption leaves no child and no limit behind, and no record`(moment: Moment)
    async throws
  {
    let host = FakeHost { asked in
      asked.child == "child-2" && moment.isNow(asked.request) ? .interruption : asked.well
    }
    let sweep = FakeSweep(
      try Plans.plan(
        "nanoseconds: [1, 2], threads: 1", entry: "interleave: nanoseconds",
        "measure: { budget: 350 ms, memory-limit: 1 GiB }"), on: host)
    let finished = try await interrupted {
      var finished = 0
      await #expect(throws: CancellationError.self) {
        try await sweep.run { if case .finished = $0 { finished += 1 } }
      }
      return finished
    }
    #expect(finished == 0)
    #expect(host.happenings(.started).count >= 2)
    #expect(host.living.isEmpty)
    #expect(host.limits == 0)
  }
}
