import OrderedCollections
import Quantities
package import Records

/// A sweep's report for people.
package enum SweepDocument {
  package static func make(_ report: Report) -> Document {
    var document = Document(report.header.suite.name) { try JSONReport.data(report) }
    addHead(of: report, to: &document)
    document.add(.table(table(report.cases)), for: .terminal)
    for (name, cases) in OrderedDictionary(grouping: report.cases, by: \.case.workload) {
      addPage(of: name, cases, to: &document)
    }
    addFoot(of: report, to: &document)
    return document
  }

  /// What a page says of the whole run.
  private static func addHead(of report: Report, to document: inout Document) {
    let header = report.header
    document.add(.heading(header.suite.name, level: 1), for: .page)
    document.say(header.suite.about ?? "", for: .page)
    document.add(
      .fields(
        [
          .init("machine", header.machine.line), .init("build", header.build.line),
          .init("result", Notes.summary(of: report.cases)),
        ] + report.warnings.map { .init("warning", $0, .warning) }), for: .page)
  }

  // MARK: At a terminal

  /// A table whose rows are printed as cases finish.
  ///
  /// - Parameter cases: all that it will have rows for, skipped ones too.
  package static func terminalTable(of cases: [Case], isTerminal: Bool) -> TerminalTable {
    TerminalTable(
      labels: cases.map { .asked($0) }, columns: CaseFigure.brief.map(\.column),
      isTerminal: isTerminal)
  }

  /// One case's row; none for one that was skipped: those share a line for each reason.
  package static func row(_ report: CaseReport) -> Table.Row? {
    let label = Table.Label.asked(report.case)
    switch report.outcome {
    case .ok: return Table.Row(label, marked: CaseFigure.brief.map { $0.marked(report) })
    case .skipped: return nil
    default:
      let reason = report.outcome.reason.map { $0.isEmpty ? "" : ": \($0)" } ?? ""
      return Table.Row(
        label, [], words: ["\(report.outcome)\(reason)"],
        tone: report.outcome.isFailure ? .failure : .quiet)
    }
  }

  /// What follows a sweep's rows at a terminal, where those were printed one by one.
  package static func foot(of report: Report) -> Document {
    var document = Document(report.header.suite.name) { try JSONReport.data(report) }
    addFoot(of: report, to: &document)
    return document
  }

  private static func table(_ cases: [CaseReport]) -> Table {
    Table(CaseFigure.brief.map(\.column), rows: cases.compactMap(row))
  }

  // MARK: In pages

  private static func addPage(
    of name: String, _ cases: [CaseReport], to document: inout Document
  ) {
    document.add(.heading(name, level: 2), for: .page)
    let timed = cases.filter { $0.outcome == .ok }
    let figures = CaseFigure.ofPages(timed)
    document.add(
      .table(
        Table(
          figures.map(\.column),
          rows: timed.map { report in
            Table.Row(.asked(report.case), marked: figures.map { $0.marked(report) })
          })), for: .page)
    let memory = memoryTable(timed)
    guard !memory.rows.isEmpty else { return }
    document.add(.heading("Memory of \(name)", level: 3), for: .page)
    document.add(.table(memory), for: .page)
  }

  private static func memoryTable(_ cases: [CaseReport]) -> Table {
    let known = cases.filter { $0.peak != nil }
    let roles = MemoryRole.allCases.filter { role in
      known.contains { $0.memory.byRole.value?[role] ?? .zero > .zero }
    }
    func cell(_ bytes: Reading<Bytes>) -> Cell { bytes.value.map { .bytes($0) } ?? .absent }
    func unused(_ report: CaseReport) -> Bytes {
      report.memory.unused.value?.values.reduce(.zero, +) ?? .zero
    }
    let someUnused = known.contains { unused($0) > .zero }
    let titles =
      ["predicted", "ledger peak", "private peak", "error", "resident peak", "rotation"]
      + roles.map(\.label)
      + (someUnused ? ["unused"] : [])
    return Table(
      titles.map { .init($0) },
      rows: known.map { report in
        let memory = report.memory
        let whole =
          [memory.predicted, memory.peak, memory.privatePeak].map(cell)
          + [memory.privateError.map { .change($0) } ?? .absent]
          + [memory.residentPeak, memory.rotation].map(cell)
        let byRole = roles.map { role in
          memory.byRole.value.map { Cell.bytes($0[role] ?? .zero) } ?? .absent
        }
        return Table.Row(
          .asked(report.case),
          whole + byRole + (someUnused ? [.bytes(unused(report))] : []))
      })
  }

  // MARK: Under the figures

  private static func addFoot(of report: Report, to document: inout Document) {
    let cases = report.cases
    document.add(.table(competition(cases)), for: .terminal)
    addSavers(of: report, to: &document)
    MendChain.add(cases, to: &document)
    let skipped = cases.compactMap { report -> (case: Case, reason: String)? in
      guard case .skipped(let reason) = report.outcome else { return nil }
      return (report.case, reason)
    }
    for sentence in SkippedCases.sentences(skipped, of: cases.map(\.case)) {
      document.say(sentence, .quiet, for: .terminal)
    }
    let memory = MemoryReconciliation(cases)
    memory.addStrayed(to: &document)
    let others = cases.filter { $0.outcome != .ok }
    if !others.isEmpty {
      document.add(.heading("Skipped and failed", level: 2), for: .page)
      document.add(
        .table(
          Table(
            [.init("outcome", .left), .init("reason", .left)],
            rows: others.map {
              Table.Row(
                .words($0.case.id),
                [.words("\($0.outcome)"), .words($0.outcome.reason ?? "")])
            })), for: .page)
    }
    document.add(
      .notes(
        Notes.of(cases, shown: CaseFigure.brief) + memory.notes + [Notes.summary(of: cases)]),
      for: .terminal)
    document.add(.heading("Notes", level: 2), for: .page)
    document.add(
      .notes(Notes.of(cases, shown: CaseFigure.ofPages(cases)) + memory.notes), for: .page)
    document.add(
      .commands(
        title: "The command that repeats a row",
        cases.filter { $0.outcome == .ok || $0.outcome.isFailure }
          .map { $0.case.repro.wrapped(.max).joined() }), for: .page)
  }

  /// What each memory saver costs, where a run says so.
  static func addSavers(of report: Report, level: Int = 2, to document: inout Document) {
    let comparisons = SaverComparison.all(of: report)
    // Several of them need a word of what each is about.
    let varying = RowLabels.varying(in: comparisons.map(\.baseline.case))
    for comparison in comparisons {
      let axes = comparison.baseline.case.axes
      document.add(.heading(SaverTables.title, level: level))
      document.say(
        varying.compactMap { name in axes[name].map { "\(name)=\($0.text)" } }
          .joined(separator: " "))
      document.add(.table(SaverTables.brief(comparison)), for: .terminal)
      document.add(.table(SaverTables.claims(comparison)), for: .terminal)
      document.add(.table(SaverTables.whole(comparison)), for: .page)
      document.add(.notes(SaverTables.notes(comparison)))
    }
  }

  /// A line for each case of ours that took turns with libraries of others: known only at the end.
  static func competition(_ reports: [CaseReport]) -> Table {
    Table(
      [CaseFigure.versus.column.leading],
      rows: reports.compactMap { report in
        report.competition.map {
          Table.Row(.asked(report.case), [.words(CaseFigure.versus($0))])
        }
      })
  }
}

extension Table.Column {
  /// The same, its cells beginning under one another.
  fileprivate var leading: Table.Column { Table.Column(title, .left, gap: 2) }
}
