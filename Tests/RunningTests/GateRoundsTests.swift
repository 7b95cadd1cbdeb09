import Comparing
import Quantities
import Records
import Running
import Testing

/// In which order a gate has which processes do what.
struct GateRoundsTests {
  private func gate(
    _ axes: String = "nanoseconds: 1, threads: 1", seed: Int = 1, gate: String = "{ turn: 5 ms }",
    _ script: @escaping @Sendable (FakeHost.Asked) -> FakeHost.Said = { $0.gated() }
  ) throws -> FakeGate {
    FakeGate(
      try Plans.plan(axes, "measure: { seed: \(seed) }\ngate: \(gate)"), on: FakeHost(script))
  }

  /// By an independent Python script: SplitMix64, of whose numbers every third one's last bit is the
  /// coin. Blocks of base against its copy take turns with those of the case.
  @Test(arguments: [(1, "hhhbbhbbhhbb"), (3, "hhbbbbbbbhhb")])
  func `the coin says who has the first turn, and turns mirror each other`(
    seed: Int, coin: String
  ) async throws {
    let gate = try gate(seed: seed)
    try await gate.run()
    let expected = coin.enumerated().map { index, side in
      let other = index % 2 == 0 ? "copy" : "head"
      return side == "h" ? [other, "base", "base", other] : ["base", other, other, "base"]
    }
    #expect(gate.blocks.count >= expected.count)
    for (block, order) in zip(gate.blocks, expected) {
      // As often as a block's time allows.
      #expect(block == Array(repeating: order, count: block.count / 4).flatMap(\.self))
    }
  }

  @Test func `who has the first turn is made ready first`() async throws {
    let gate = try gate()
    try await gate.run()
    let ready = gate.host.happenings(.prepare).map { String($0.program.dropFirst()) }
    for (index, block) in gate.blocks.enumerated() {
      #expect(Array(ready[(2 * index)..<(2 * index + 2)]) == Array(block.prefix(2)))
    }
  }

  @Test func `each block has a fresh process a side, and each leaves`() async throws {
    let gate = try gate()
    try await gate.run()
    let started = gate.host.happenings(.started).map(\.child)
    let sampled = Set(gate.host.samples.map(\.child))
    #expect(Set(started).count == started.count)
    #expect(sampled.count == 2 * gate.blocks.count)
    #expect(gate.host.happenings(.finish).count == sampled.count)
    #expect(gate.host.living.isEmpty)
  }

  @Test func `the next block's pair is started before this one's first turn`() async throws {
    let gate = try gate()
    try await gate.run()
    let happenings = gate.host.happenings
    var places: [Int] = []
    for (place, happening) in happenings.enumerated() {
      guard case .sample = happening.what else { continue }
      let isFirst = !happenings[..<place].contains {
        if case .sample = $0.what { $0.child == happening.child } else { false }
      }
      if isFirst { places.append(place) }
    }
    // Each block begins two children's turns.
    for block in 0..<gate.blocks.count {
      let started = happenings[..<places[2 * block]].count { $0.what == .started }
      #expect(started == 2 * (block + 2), "block \(block)")
    }
  }

  @Test func `the pair that no block took is stopped`() async throws {
    let gate = try gate()
    try await gate.run()
    #expect(
      gate.host.happenings(.started).count == 2 * gate.blocks.count + 2)
    #expect(gate.host.happenings(.stopped).count == 2)
  }

  @Test func `every round begins with base against its copy`() async throws {
    let gate = try gate("nanoseconds: [1, 2], threads: 1")
    let result = try await gate.run()
    let isNull = gate.blocks.map { $0.contains("copy") }
    #expect(isNull == (0..<isNull.count).map { $0 % 3 == 0 })
    #expect(result.null.count == isNull.count / 3)
    #expect(result.answer.null == .still)
  }

  @Test func `each round takes every open case once, in an order that the seed decides`()
    async throws
  {
    let gate = try gate("nanoseconds: [1, 2, 3], threads: 1")
    try await gate.run()
    let cases = gate.host.happenings(.prepare).filter { $0.program == "/head" }.compactMap(\.key)
    let rounds = stride(from: 0, to: cases.count, by: 3).map { Array(cases[$0..<($0 + 3)]) }
    // By the same script, of the scrambled seed.
    #expect(Array(rounds.prefix(4)) == [[2, 1, 3], [1, 3, 2], [3, 2, 1], [3, 1, 2]])
    for round in rounds { #expect(round.sorted() == [1, 2, 3]) }
  }

  @Test func `both sides have the calls of the one that needs more`() async throws {
    let gate = try gate { asked in
      guard case .prepare = asked.request else { return asked.gated() }
      return .line(Lines.prepared(calls: asked.program == "/head" ? 3 : 2))
    }
    try await gate.run()
    let calls = Set(gate.host.samples.map(\.calls))
    // Two blocks of base's own have 2.
    #expect(calls == [2, 3])
    for block in stride(from: 0, to: gate.host.samples.count, by: 4) {
      let turns = gate.host.samples[block..<min(block + 4, gate.host.samples.count)]
      #expect(Set(turns.map(\.what)).count == 1)
    }
  }

  /// Of 5 % one call for each 20.
  @Test func `extra work is a whole number of calls, and head's alone`() async throws {
    let gate = try gate()
    try await gate.run { $0.trial.extraWork = 0.05 }
    let calls = gate.host.samples.map(\.calls)
    let isHeads = gate.blocks.flatMap { block in block.map { _ in block.contains("head") } }
    #expect(calls == isHeads.map { $0 ? 20 : 1 })
  }

  @Test(arguments: [(1, false), (2, true)])
  func `sides of several threads wait for each other's pool`(threads: Int, isWaiting: Bool)
    async throws
  {
    let gate = try gate("nanoseconds: 1, threads: \(threads)")
    try await gate.run()
    #expect(gate.host.still.count == (isWaiting ? gate.host.samples.count : 0))
    #expect(gate.host.still.allSatisfy { $0.count == 1 })
  }

  @Test func `a block's environment is padded by chance`() async throws {
    let gate = try gate()
    try await gate.run()
    let lengths = gate.host.environments.compactMap { $0["PADDING"]?.count }
    #expect(lengths.count == gate.host.happenings(.started).count)
    #expect(Set(lengths).count > lengths.count / 2)
    #expect(lengths.allSatisfy { $0 < 4096 })
  }

  @Test(arguments: [(1.0, CaseVerdict.pass), (1.1, .regressed), (0.9, .improved)])
  func `what head's turns take is what is judged`(ratio: Double, verdict: CaseVerdict)
    async throws
  {
    let result = try await gate { $0.gated(head: ratio) }.run()
    #expect(result.answer.cells.map(\.verdict) == [verdict])
  }
}
