import Planning
import Quantities
import Records
import Running
import Testing

/// What a sweep says of the time that is left, and what it does when it is gone on with.
struct SweepPaceTests {
  private struct Started: Hashable {
    let done: Int
    let total: Int
    let left: Double
  }

  private func sweep(_ options: String = "measure: { budget: 350 ms }") throws -> FakeSweep {
    FakeSweep(
      try Plans.plan("nanoseconds: [1, 2, 3], threads: 1", options), on: FakeHost { $0.well })
  }

  private func starts(_ sweep: FakeSweep, after earlier: [Record] = []) async throws -> [Started] {
    var starts: [Started] = []
    try await sweep.run(after: earlier) { event in
      if case .started(_, let done, let total, let left) = event {
        starts.append(
          Started(done: done, total: total, left: (left.value * 1000).rounded() / 1000))
      }
    }
    return starts
  }

  private func record(_ plan: FakeSweep, _ key: Int, run: Int = 0) throws -> Record {
    let planned = try #require(plan.plan.cases.first { $0.case.key == key })
    return Record(case: planned.case, run: run, outcome: .ok)
  }

  /// All three are expected to take the same; four blocks of 0.1 s are taken of each.
  @Test func `the time left is what was expected at first, and what it took later`() async throws {
    let sweep = try sweep()
    let each = sweep.plan.estimate(of: sweep.plan.cases[0]).total.value
    let starts = try await starts(sweep)
    #expect(starts.map(\.done) == [0, 1, 2])
    #expect(abs(starts[0].left - 3 * each) < 1e-3)
    #expect(starts[1...].map(\.left) == [0.8, 0.4])
  }

  /// The seed's order is 1, 3, 2.
  @Test func `cases that are done already take no part in what is expected of the rest`()
    async throws
  {
    let sweep = try sweep()
    let each = sweep.plan.estimate(of: sweep.plan.cases[0]).total.value
    let starts = try await starts(sweep, after: [try record(sweep, 1)])
    #expect(starts.map(\.done) == [1, 2])
    #expect(abs(starts[0].left - 2 * each) < 1e-3)
    #expect(starts[1].left == 0.4)
  }

  @Test func `cases that are done already are not run again`() async throws {
    let sweep = try sweep()
    let records = try await sweep.run(after: [try record(sweep, 3), try record(sweep, 1)])
    #expect(sweep.host.happenings(.prepare).map(\.key) == [2])
    #expect(records.map { $0.case.key } == [3, 1, 2])
  }

  @Test func `of several processes a case, those that are missing are run`() async throws {
    let sweep = try sweep("measure: { budget: 350 ms, runs: 2 }")
    let earlier = try [(1, 0), (3, 0), (2, 0), (3, 1)].map { try record(sweep, $0, run: $1) }
    let records = try await sweep.run(after: earlier)
    #expect(sweep.host.happenings(.prepare).map(\.key) == [1, 2])
    #expect(records.map(\.run) == [0, 0, 0, 1, 1, 1])
  }

  /// The record of each case is in the file when the next one's child starts, also of one that failed.
  @Test func `a record is on the disk before the next case starts`() async throws {
    var seen: [[String]] = []
    let host = FakeHost { asked in
      guard asked.key == 3, case .prepare = asked.request else { return asked.well }
      return .ends(.signaled(6))
    }
    let sweep = FakeSweep(
      try Plans.plan("nanoseconds: [1, 2, 3], threads: 1", "measure: { budget: 350 ms }"),
      on: host)
    try await sweep.run { event in
      guard case .started = event else { return }
      seen.append(
        try RunFile.read(sweep.path).records.map { "\($0.case.key ?? 0) \($0.outcome)" })
    }
    #expect(seen == [[], ["1 ok"], ["1 ok", "3 crashed(SIGABRT)"]])
  }

  @Test func `what is skipped is recorded first, and once`() async throws {
    let sweep = FakeSweep(
      try Plans.plan(
        "nanoseconds: [1, 2], threads: 1",
        entry: "skip: [{ where: { nanoseconds: 1 }, because: too short }]",
        "measure: { budget: 350 ms }"), on: FakeHost { $0.well })
    let records = try await sweep.run()
    #expect(records.map(\.outcome) == [.skipped(reason: "too short"), .ok])
    let again = FakeSweep(sweep.plan, on: FakeHost { $0.well })
    #expect(try await again.run(after: records).count == 2)
    #expect(again.host.happenings(.prepare).isEmpty)
  }
}
