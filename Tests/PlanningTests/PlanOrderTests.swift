import Planning
import Records
import Testing

struct PlanOrderTests {
  @Test func `cases that differ only in the interleaved axis share a group`() throws {
    let plan = try toyPlan(
      "rows: [1, 2]\nvariant: [plain, fast]\ncache: [warm, cold]", entry: "interleave: variant")
    #expect(plan.cases.map(\.group) == [0, 1, 0, 1, 2, 3, 2, 3])
    #expect(plan.units.map { $0.map(\.variant) } == Array(repeating: ["plain", "fast"], count: 4))
  }

  @Test func `a case that is alone in its group has none`() throws {
    let plan = try toyPlan("rows: 1\nvariant: [best, fast]", entry: "interleave: variant")
    #expect(plan.cases.map(\.group) == [nil])
  }

  @Test func `two entries do not share groups`() throws {
    let first = toySuite("rows: 1\nvariant: [plain, fast]", entry: "interleave: variant")
    let second = """
        - workload: toy
          axes: { rows: 1, variant: rival }
          interleave: variant
      """
    let plan = try plan("\(first)\n\(second)")
    #expect(plan.cases.map(\.group) == [0, 0, nil])
  }

  /// By an independent Python script: SplitMix64 and Durstenfeld's shuffle with `x * n >> 64`.
  @Test(arguments: [
    (UInt64(1), [10, 1, 2, 5, 9, 3, 4, 8, 7, 6]),
    (UInt64(2), [8, 1, 4, 3, 9, 2, 10, 5, 7, 6]),
  ])
  func `a seed means the same order forever`(seed: UInt64, expected: [Int]) throws {
    let plan = try toyPlan("rows: 1-10+1")
    let order = plan.shuffled(seed: seed).map { $0[0].case.id }
    #expect(order == expected.map { plan.ids[$0 - 1] })
  }

  @Test func `a group stays together, in plan order, when units are shuffled`() throws {
    let plan = try toyPlan("rows: 1-5+1\nvariant: [plain, fast]", entry: "interleave: variant")
    let order = plan.shuffled(seed: 3)
    #expect(order.map { $0.map(\.variant) } == Array(repeating: ["plain", "fast"], count: 5))
    #expect(Set(order.map { $0.map(\.case.id) }) == Set(plan.units.map { $0.map(\.case.id) }))
  }
}
