import Quantities
import Records
import Running
import Testing

/// How cases that differ in one axis alone share the machine.
struct SweepTurnsTests {
  private static let options = "measure: { budget: 350 ms }"

  private func group(_ seed: Int = 1) throws -> FakeSweep {
    FakeSweep(
      try Plans.plan(
        "nanoseconds: [1, 2, 3], threads: 1", entry: "interleave: nanoseconds",
        "measure: { budget: 350 ms, seed: \(seed) }"),
      on: FakeHost { $0.well })
  }

  /// By an independent Python script: SplitMix64 and Durstenfeld's shuffle with `x * n >> 64`.
  @Test(arguments: [
    (1, [1, 3, 2, 2, 1, 3, 1, 3, 2, 1, 2, 3]), (7, [3, 1, 2, 1, 2, 3, 3, 1, 2, 3, 1, 2]),
  ])
  func `the seed says in which order cases have their turns`(seed: Int, order: [Int])
    async throws
  {
    let sweep = try group(seed)
    try await sweep.run()
    #expect(sweep.host.samples.map(\.key) == order)
  }

  @Test func `each round takes every open case once, and its blocks carry it`() async throws {
    let records = try await group().run()
    #expect(records.map { $0.case.key } == [1, 2, 3])
    for record in records { #expect(record.timing?.blocks.map(\.round) == [0, 1, 2, 3]) }
  }

  @Test func `a case that stops early leaves the others going on`() async throws {
    let sweep = FakeSweep(
      try Plans.plan(
        "nanoseconds: [1, 2], threads: 1", entry: "interleave: nanoseconds", Self.options),
      on: FakeHost { $0.key == 2 ? $0.well(taking: Seconds(0.2)) : $0.well })
    let records = try await sweep.run()
    #expect(records.map { $0.timing?.blocks.map(\.round) } == [[0, 1, 2, 3], [0, 1]])
    #expect(records.map(\.outcome) == [.ok, .ok])
  }

  @Test func `a case that crashes leaves the others going on`() async throws {
    let sweep = FakeSweep(
      try Plans.plan(
        "nanoseconds: [1, 2], threads: 1", entry: "interleave: nanoseconds", Self.options),
      on: FakeHost { asked in
        guard asked.key == 1, asked.blocks == 1, case .sample = asked.request else {
          return asked.well
        }
        return .ends(.signaled(11))
      })
    let records = try await sweep.run()
    #expect(records.map(\.outcome.description) == ["crashed(SIGSEGV)", "ok"])
    #expect(records.map { $0.timing?.blocks.map(\.round) } == [[0], [0, 1, 2, 3]])
  }

  @Test func `blocks in a row share the probe between them`() async throws {
    let sweep = try group()
    let records = try await sweep.run()
    let blocks = records.flatMap { $0.timing?.blocks ?? [] }.sorted {
      $0.after.flopsPerSecond < $1.after.flopsPerSecond
    }
    #expect(blocks.count == 12)
    #expect(sweep.host.happenings(.probe).count == 13)
    #expect(
      blocks.dropFirst().map(\.before.flopsPerSecond)
        == blocks.dropLast().map(\.after.flopsPerSecond))
  }

  /// One thread and two are held against ceilings of their own.
  @Test func `blocks of two kinds share no probe`() async throws {
    let sweep = FakeSweep(
      try Plans.plan(
        "nanoseconds: 1, threads: [1, 2]", entry: "interleave: threads", Self.options),
      on: FakeHost { $0.well })
    let records = try await sweep.run()
    let order = sweep.host.samples.map(\.child)
    let changes = zip(order, order.dropFirst()).count { $0 != $1 }
    #expect(records.flatMap { $0.timing?.blocks ?? [] }.count == 8)
    // A run of blocks of one kind has a probe more than it has blocks.
    #expect(sweep.host.happenings(.probe).count == 8 + changes + 1)
  }

  @Test func `before each turn the others stand still, and a case alone waits for nobody`()
    async throws
  {
    let sweep = try group()
    try await sweep.run()
    // The prober was started first.
    let processes = [1: Int32(1002), 2: 1003, 3: 1004]
    let expected = sweep.host.samples.map { turn in
      processes.filter { $0.key != turn.key }.sorted { $0.key < $1.key }.map(\.value)
    }
    #expect(sweep.host.still == expected)
    let alone = FakeSweep(
      try Plans.plan("nanoseconds: 1, threads: 1", Self.options), on: FakeHost { $0.well })
    try await alone.run()
    #expect(alone.host.still.isEmpty)
  }

  @Test func `cases that are not interleaved have their child one after the other`() async throws {
    let sweep = FakeSweep(
      try Plans.plan("nanoseconds: [1, 2, 3], threads: 1", Self.options),
      on: FakeHost { $0.well })
    try await sweep.run()
    // By the same script.
    #expect(sweep.host.samples.map(\.key) == [1, 1, 1, 1, 3, 3, 3, 3, 2, 2, 2, 2])
    for (end, start) in [("child-1", "child-2"), ("child-2", "child-3")] {
      let happenings = sweep.host.happenings
      let ended = try #require(
        happenings.firstIndex { $0.child == end && $0.what == .ended })
      let started = try #require(
        happenings.firstIndex { $0.child == start && $0.what == .started })
      #expect(ended < started)
    }
  }
}
