import Planning
import OrderedCollections
import Quantities
import Records
import Testing

@Suite struct PruningTests {
  private func plan(_ monotone: String) throws -> Plan {
    try Planner(cores: 2).plan(
      SuiteReader.parse(
        """
        suite: t
        sweep:
          - workload: matmul
            axes: { m: [64, 128], n: [64, 128, 256], k: 64, variant: portable, threads: 1 }
        \(monotone)
        """, path: "t.yaml"))
  }

  private func skipped(_ plan: Plan, after outcome: Outcome, of place: Int) -> [String] {
    var pruning = Pruning()
    pruning.take(plan.cases[place], outcome)
    return plan.cases.filter { pruning.reason(for: $0) != nil }.map {
      "\($0.case.axes["m"]?.text ?? "") \($0.case.axes["n"]?.text ?? "")"
    }
  }

  private static let outOfMemory = Outcome.outOfMemory(.budget, reason: "too much")

  @Test func `what is as large along declared axes, and else the same, is not tried`() throws {
    // m = 64, n = 128 ran out of memory.
    #expect(
      skipped(try plan("    monotone: n"), after: Self.outOfMemory, of: 1) == ["64 128", "64 256"])
    #expect(
      skipped(try plan("    monotone: [m, n]"), after: Self.outOfMemory, of: 1)
        == ["64 128", "64 256", "128 128", "128 256"])
  }

  @Test(arguments: [Outcome.ok, .timedOut(reason: ""), .outOfMemory(.killed, reason: "")])
  func `only a limit of its own that was passed prunes`(outcome: Outcome) throws {
    #expect(skipped(try plan("    monotone: n"), after: outcome, of: 1) == [])
  }

  @Test func `without a declaration everything is tried`() throws {
    #expect(skipped(try plan(""), after: Self.outOfMemory, of: 0) == [])
  }

  @Test(arguments: ["precision", "size"])
  func `an axis that is no number, or none, is refused`(name: String) {
    #expect(throws: SuiteFault.self) { try plan("    monotone: \(name)") }
  }
}
