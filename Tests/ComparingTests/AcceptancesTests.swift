import Comparing
import Foundation
import Quantities
import Records
import Testing

/// A stored result, as it is replayed: one case that is so many times as slow, one that is not.
struct AcceptancesTests {
  private func result(_ ratio: Double, allocations: Int = 100) throws -> GateResult {
    func cell(_ name: String, _ ratio: Double) -> GateSpecimen.Cell {
      GateSpecimen.Cell(name: name, base: 1, head: ratio, blocks: 40)
    }
    var grown = cell("w/a=1", ratio)
    grown.allocations = allocations
    let specimen = GateSpecimen(commit: "c", seed: 1, cells: [grown, cell("w/a=2", 1)])
    guard
      case .result(let stored) = try GateReplay.parse(
        InputFile(specimen.data, from: "r", as: "result"))
    else {
      throw Fault("it is no result")
    }
    return stored.replayed()
  }

  private func accepting(
    _ pattern: String = "w/*", of ratio: Double = 1.1, until: String = "2027-01-31"
  ) throws -> Acceptances {
    var acceptances = Acceptances()
    _ = try acceptances.accept(
      pattern, of: result(ratio), until: until, today: "2026-11-01", because: "b", who: "w")
    return acceptances
  }

  private func verdict(
    of ratio: Double, with acceptances: Acceptances, today: String = "2026-12-01"
  ) throws -> (SuiteVerdict, [CaseVerdict], [String]) {
    var result = try result(ratio)
    result.accept(acceptances, today: today)
    return (result.verdict, result.cells.map(\.judged.verdict), result.staleAcceptances)
  }

  @Test func `what was accepted passes, under its own name`() throws {
    let found = try verdict(of: 1.1, with: try accepting())
    #expect(found.0 == .pass)
    #expect(found.1 == [.accepted, .pass])
    #expect(found.2 == [])
  }

  @Test func `without an acceptance it regresses`() throws {
    let found = try verdict(of: 1.1, with: Acceptances())
    #expect(found.0 == .regressed)
  }

  @Test func `it holds on its last day and not after it`() throws {
    #expect(try verdict(of: 1.1, with: accepting(), today: "2027-01-31").0 == .pass)
    let late = try verdict(of: 1.1, with: accepting(), today: "2027-02-01")
    #expect(late.0 == .regressed)
    #expect(late.2.first?.contains("ran out on 2027-01-31") == true)
  }

  @Test func `an entry that accepts nothing fails the suite`() throws {
    let found = try verdict(of: 1, with: try accepting())
    #expect(found.0 == .staleAcceptance)
    #expect(found.1 == [.pass, .pass])
    #expect(found.2.first?.contains("accepts nothing") == true)
  }

  @Test func `more than was accepted regresses`() throws {
    let found = try verdict(of: 1.2, with: accepting())
    #expect(found.0 == .regressed)
    #expect(
      found.2 == [
        "the acceptance of time of 'w/*' is of 10.1 % and no more: accept it anew, or remove it"
      ])
  }

  @Test func `a count may grow by as much as was accepted, and no more`() throws {
    var acceptances = Acceptances()
    let entries = try acceptances.accept(
      "*", of: result(1, allocations: 104), until: "2027-01-31", today: "2026-11-01", because: "b",
      who: "w")
    #expect(entries.map(\.metric) == ["allocations"])
    #expect(entries.map(\.atMost) == [0.04])
    for (allocations, verdict) in [(104, SuiteVerdict.pass), (105, .regressed)] {
      var result = try result(1, allocations: allocations)
      result.accept(acceptances, today: "2026-12-01")
      #expect(result.verdict == verdict)
    }
  }

  @Test func `only cases that regressed can be accepted, with a reason and a day to come`() throws {
    #expect(throws: AcceptanceFault.nothing("w/a=2", regressed: ["w/a=1"])) {
      try accepting("w/a=2")
    }
    #expect(throws: AcceptanceFault.nothing("w/*", regressed: [])) { try accepting(of: 1) }
    #expect(throws: AcceptanceFault.past("2026-10-31")) { try accepting(until: "2026-10-31") }
    var acceptances = Acceptances()
    let regressed = try result(1.1)
    #expect(throws: AcceptanceFault.noReason) {
      try acceptances.accept(
        "*", of: regressed, until: "2027-01-01", today: "2026-01-01", because: " ", who: "w")
    }
  }

  @Test(arguments: [
    ("2027-02-28", true), ("2027-02-29", false), ("2028-02-29", true), ("2027-13-01", false),
    ("2027-1-1", false), ("tomorrow", false), ("2100-02-29", false),
  ])
  func `days are those of the calendar`(text: String, isDay: Bool) {
    #expect((AcceptanceFile.day(text) != nil) == isDay)
  }

  @Test func `counts that grew are judged by their budget`() {
    var findings = CaseFindings()
    findings.exact = ExactComparison(
      base: ["allocations": [100], "weights bytes": [1000], "flops": [5]],
      head: ["allocations": [101], "weights bytes": [1010], "flops": [4]])
    #expect(findings.grown.map(\.metric) == ["allocations", "weights bytes"])
    findings.budget = [.allocations: .count(1), .bytes: .share(0.009)]
    #expect(findings.grown.map(\.metric) == ["weights bytes"])
    findings.budget = [.allocations: .count(1), .bytes: .share(0.01)]
    #expect(findings.grown.isEmpty)
  }
}
