import Records
import Reporting
import Testing

@Suite struct ReportTests {
  private let cases = ["3", "1", "2"].map { Fixture.matmul(["n": $0]) }

  @Test func `cases stand in the plan's order, not in that of their running`() {
    let run = Fixture.run(cases.reversed().map { Fixture.record($0) }, planned: cases.map(\.id))
    #expect(Report(run: run).cases.map(\.case) == cases)
  }

  @Test func `cases of several runs follow each other`() {
    let runs = cases.map { Fixture.run([Fixture.record($0)]) }
    #expect(Report(runs: runs).cases.map(\.case) == cases)
  }

  @Test func `planned cases without a record are counted, merged ones are not`() {
    var record = Fixture.record(cases[0])
    record.merged = [cases[1].id]
    let report = Report(run: Fixture.run([record], planned: cases.map(\.id), tornLine: true))
    #expect(
      report.warnings == [
        "the last line was cut short by a kill, and is left out",
        "1 of 3 planned cases have no record; headroom sweep --resume goes on with them",
      ])
  }

  @Test func `runs of different machines are warned about`() {
    var other = Fixture.run([Fixture.record(cases[1])])
    other.header.machine.visibleCores = 4
    let report = Report(runs: [Fixture.run([Fixture.record(cases[0])]), other])
    #expect(
      report.warnings == [
        "run 2 (decode): another machine than run 1: times are not comparable"
      ])
  }
}
