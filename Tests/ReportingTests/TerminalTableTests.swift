import OrderedCollections
import Quantities
import Records
import Reporting
import Testing

@Suite struct TerminalTableTests {
  private static let sweep = ["1024", "16384"].flatMap { n in
    ["fp32", "bf16"].flatMap { precision in
      ["1", "all"].flatMap { threads in
        ["warm", "cold"].map { cache in
          Fixture.matmul([
            "m": "1", "n": n, "k": "4096", "precision": precision, "variant": "best",
            "threads": threads, "cache": cache,
          ])
        }
      }
    }
  }

  private static func table(_ cases: [Case]) -> TerminalTable {
    SweepDocument.terminalTable(of: cases, isTerminal: false)
  }

  private static func row(_ table: TerminalTable, _ report: CaseReport) throws -> String {
    table.row(try #require(SweepDocument.row(report)))
  }

  private static func rows(_ table: TerminalTable, _ reports: [CaseReport]) -> [String] {
    reports.compactMap(SweepDocument.row).flatMap {
      table.row($0).split(separator: "\n").map(String.init)
    }
  }

  /// What follows the rows.
  private static func foot(_ reports: [CaseReport]) -> [String] {
    TerminalFormat.lines(SweepDocument.foot(of: Fixture.report(of: reports)))
  }

  @Test func `what all cases share is said once, and what varies is a column`() {
    let head = Self.table(Self.sweep).head
    #expect(head.first == "matmul m=1 k=4096 variant=best")
    #expect(head[1] == "columns: n, precision, threads, cache")
    #expect(head.last?.hasPrefix("    n prec threads cache ") == true)
  }

  /// 2 ms; 1000 flops are far below 0.01 G; 2e-6 of 8e-6 is a quarter.
  @Test func `a row holds every figure`() throws {
    let table = Self.table(Self.sweep)
    let report = try #require(Fixture.report(Fixture.record(Self.sweep[1])))
    #expect(
      try Self.row(table, report)
        == " 1024 fp32       1 cold   2.00 ms ±0.0 %  <0.01 GF/s   50 % fma  68.0 MiB   0.25")
  }

  /// 3 tokens in 2 ms.
  @Test func `a model's rate is its tokens`() throws {
    var record = Fixture.record(Self.sweep[1])
    record.work = Work(
      flops: 1000, bytesRead: Bytes(400), bytesWritten: Bytes(100), tokens: 3, format: .fp32)
    let table = Self.table(Self.sweep)
    let report = try #require(Fixture.report(record))
    #expect(try Self.row(table, report).contains("  1500 tok/s  "))
    #expect(Self.foot([report]).joined(separator: " ").contains("does, tokens/s of models;"))
  }

  @Test func `rows that print one by one line up under their titles`() throws {
    let table = Self.table(Self.sweep)
    let reports = try Self.sweep.map { try #require(Fixture.report(Fixture.record($0))) }
    let lines = Self.rows(table, reports)
    let title = try #require(table.head.last)
    #expect(Set(lines.map(\.count)) == [title.count])
    #expect(Set(lines.map { String($0.prefix(20)) }).count == Self.sweep.count)
  }

  /// Extremes of every figure: 119 minutes, an interval of more than ±1000 %, a share of 1000.
  @Test(arguments: [
    Fixture.timing([7_140]), Fixture.timing([1e-9]), Fixture.timing([1e-6]),
    Fixture.timing([1e-6, 1e-6, 1e-6, 1, 1, 1], probes: [1, 9, 1, 9, 1, 9, 1]),
    Fixture.timing([2e-3], steady: false, criterionMissed: "within 1 %: reached 8 %"),
  ])
  func `no line is wider than 80 columns`(timing: Record.Timing) throws {
    let wide = Fixture.matmul([
      "n": "16384", "precision": "bf16", "threads": "all", "cache": "cold",
      "some-long-axis-of-a-kernel": String(repeating: "long", count: 30),
    ])
    for cases in [Self.sweep, Self.sweep + [wide], [wide]] {
      let table = Self.table(cases)
      let reports = try cases.flatMap { one in
        [
          try #require(
            Fixture.report(Fixture.record(one, timing: timing, predicted: .mebibytes(1)))),
          try #require(
            Fixture.report(
              Fixture.record(
                one, outcome: .skipped(reason: String(repeating: "because ", count: 30))))),
        ]
      }
      let lines = table.head + Self.rows(table, reports) + Self.foot(reports)
      #expect(lines.map(\.count).max() ?? 0 <= 80)
    }
  }

  @Test func `axes that do not fit stand on a line of their own, uncut`() throws {
    let values = ["a", "b"].map { String(repeating: $0, count: 30) }
    let cases = values.map { Fixture.matmul(["n": "1", "shape": $0]) }
    let table = Self.table(cases)
    let report = try #require(Fixture.report(Fixture.record(cases[1])))
    let lines = Self.rows(table, [report])
    #expect(lines.count == 2)
    #expect(lines.first == "shape=" + values[1])
  }

  @Test func `cases of several workloads are named`() throws {
    let other = Case(workload: "softmax", axes: ["rows": .number(8)])
    let table = Self.table([Self.sweep[0], other])
    let report = try #require(Fixture.report(Fixture.record(other)))
    #expect(try Self.row(table, report).hasPrefix("softmax  "))
    #expect(table.head.prefix(2).last == "softmax rows=8")
  }

  @Test(arguments: [
    (Outcome.outOfMemory(.limit, reason: "1 GiB"), "out-of-memory(limit): 1 GiB"),
    (
      .crashed(signal: "SIGSEGV", reason: "\u{1B}[31min run\nat 0"),
      "crashed(SIGSEGV): [31min run at 0"
    ),
  ])
  func `a case without figures says what became of it`(outcome: Outcome, words: String) throws {
    let table = Self.table(Self.sweep)
    let report = try #require(Fixture.report(Fixture.record(Self.sweep[0], outcome: outcome)))
    let lines = Self.rows(table, [report]).joined(separator: " ")
    #expect(lines.split(separator: " ").joined(separator: " ") == "1024 fp32 1 warm \(words)")
  }

  @Test func `cases skipped for one reason share a line, with what they share`() throws {
    let (skipped, run) = try Self.sweep.reduce(into: ([CaseReport](), [CaseReport]())) {
      let isSkipped = $1.axes["precision"]?.text == "bf16"
      let outcome = isSkipped ? Outcome.skipped(reason: "no bf16") : .ok
      let report = try #require(Fixture.report(Fixture.record($1, outcome: outcome)))
      if isSkipped { $0.0.append(report) } else { $0.1.append(report) }
    }
    #expect(skipped.count > 1)
    #expect(skipped.allSatisfy { SweepDocument.row($0) == nil })
    #expect(
      Self.foot(skipped + run).first
        == "skipped: \(skipped.count) cases of precision=bf16: no bf16")
  }

  @Test func `marks are explained only where they occur`() throws {
    let table = Self.table(Self.sweep)
    let calm = try #require(Fixture.report(Fixture.record()))
    let moved = Fixture.timing([2e-3, 2e-3], probes: [1e6, 2e6, 1e6])
    let unsteady = try #require(Fixture.report(Fixture.record(timing: moved)))
    #expect(!Self.foot([calm]).contains { $0.hasPrefix("~") })
    #expect(Self.foot([calm, unsteady]).contains { $0.hasPrefix("~ unsteady") })
    #expect(try Self.row(table, unsteady).contains("±?~"))
    #expect(Self.foot([calm]).last == "1 case: 1 ok")
  }

  @Test func `without a terminal there are no colours`() throws {
    let table = Self.table(Self.sweep)
    let report = try #require(
      Fixture.report(Fixture.record(outcome: .timedOut(reason: "60 s"))))
    let text = (table.head + [try Self.row(table, report)] + Self.foot([report])).joined()
    #expect(!text.contains("\u{1B}"))
  }
}
