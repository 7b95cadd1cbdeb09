import OrderedCollections
import Quantities
import Records

/// What the Markdown template is filled with: escaped words, in their order.
struct MarkdownPage {
  let title: String
  let about: String?
  let machine: String
  let build: String
  let summary: String
  let warnings: [String]
  let workloads: [Section]
  let others: MarkdownTable?
  let notes: [String]
  let commands: [String]

  struct Section {
    let name: String
    let constants: String?
    let figures: MarkdownTable?
    let memory: MarkdownTable?
  }

  init(_ report: Report) {
    let header = report.header
    title = markdownEscaped(header.suite.name)
    about = header.suite.about.map(markdownEscaped)
    machine = markdownEscaped(header.machine.line)
    build = markdownEscaped(header.build.line)
    summary = markdownEscaped(Notes.summary(of: report.cases))
    warnings = report.warnings.map(markdownEscaped)
    let groups = OrderedDictionary(grouping: report.cases, by: \.case.workload)
    workloads = groups.map { Section(name: $0.key, cases: $0.value) }
    others = MarkdownTable(
      titles: ["case", "outcome", "reason"], numeric: [false, false, false],
      rows: report.cases.filter { $0.outcome != .ok }.map {
        [$0.case.id, "\($0.outcome)", $0.outcome.reason ?? ""]
      })
    notes = Notes.of(report.cases).map(markdownEscaped)
    commands = report.cases.filter { $0.outcome == .ok || $0.outcome.isFailure }
      .map { $0.case.repro.wrapped(.max).joined() }
  }
}

extension MarkdownPage.Section {
  init(name: String, cases: [CaseReport]) {
    let all = cases.map(\.case)
    let axes = RowLabels.varying(in: all)
    let timed = cases.filter { $0.outcome == .ok }
    self.name = markdownEscaped(name)
    let shared = RowLabels.constants(of: all)
    constants = shared.isEmpty ? nil : markdownEscaped(shared)
    figures = Self.figures(timed, axes)
    memory = Self.memory(timed, axes)
  }

  private static func figures(_ cases: [CaseReport], _ axes: [String]) -> MarkdownTable? {
    let tokens = cases.contains { $0.throughput.value?.tokensPerSecond.value != nil }
    let competition = cases.contains { $0.competition != nil }
    let columns = Column.allCases.filter {
      $0 != .rate && ($0 != .tokens || tokens) && ($0 != .versus || competition)
    }
    return MarkdownTable(
      titles: axes + columns.map(\.title),
      numeric: axes.map { axis in isNumeric(axis, cases) } + columns.map { $0 != .share },
      rows: cases.map { report in
        label(report, axes)
          + columns.map { column in
            marked(column, column.cell(report), report.marks)
          }
      })
  }

  private static func marked(_ column: Column, _ cell: String, _ marks: [Mark]) -> String {
    let beside: [Mark] =
      switch column {
      case .spread: [.unsteady, .wide]
      case .peak: [.strayed]
      default: []
      }
    let signs = marks.filter(beside.contains).map(\.rawValue).joined()
    return signs.isEmpty ? cell : "\(cell) \(signs)"
  }

  private static func memory(_ cases: [CaseReport], _ axes: [String]) -> MarkdownTable? {
    let known = cases.filter { $0.memory.peak.value != nil }
    let roles = MemoryRole.allCases.filter { role in
      known.contains { $0.memory.byRole.value?[role] ?? .zero > .zero }
    }
    func text(_ bytes: Reading<Bytes>) -> String { bytes.value?.description ?? Column.absent }
    func unused(_ report: CaseReport) -> Bytes {
      report.memory.unused.value?.values.reduce(.zero, +) ?? .zero
    }
    let someUnused = known.contains { unused($0) > .zero }
    let titles =
      ["predicted", "ledger peak", "resident peak", "rotation"] + roles.map(\.label)
      + (someUnused ? ["unused"] : [])
    return MarkdownTable(
      titles: axes + titles,
      numeric: axes.map { axis in isNumeric(axis, cases) } + titles.map { _ in true },
      rows: known.map { report in
        let memory = report.memory
        return label(report, axes)
          + [memory.predicted, memory.peak, memory.residentPeak, memory.rotation].map(text)
          + roles.map { (memory.byRole.value?[$0] ?? .zero).description }
          + (someUnused ? [unused(report).description] : [])
      })
  }

  private static func label(_ report: CaseReport, _ axes: [String]) -> [String] {
    axes.map { report.case.axes[$0]?.text ?? "" }
  }

  private static func isNumeric(_ axis: String, _ cases: [CaseReport]) -> Bool {
    cases.contains { $0.case.axes[axis]?.number != nil }
  }
}

/// A table of GitHub's Markdown, escaped.
struct MarkdownTable {
  let titles: [String]
  let rules: [String]
  let rows: [Row]

  struct Row {
    let cells: [String]
  }

  /// Nothing without rows.
  init?(titles: [String], numeric: [Bool], rows: [[String]]) {
    guard !rows.isEmpty else { return nil }
    self.titles = titles.map(markdownEscaped)
    rules = numeric.map { $0 ? "---:" : "---" }
    self.rows = rows.map { Row(cells: $0.map(markdownEscaped)) }
  }
}
