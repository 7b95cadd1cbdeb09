import OrderedCollections
package import Records

/// The table of a sweep: its rows can be printed one by one as cases finish, and still line up.
///
/// No line is wider than `width`, which is taken as at least `narrowest`.
package struct TerminalTable: Sendable {
  /// What the figures and a label of some letters need.
  package static let narrowest = 80

  private let cases: [Case]
  private let width: Int
  private let labels: RowLabels
  private let paint: Paint

  /// Of all figures together, as `figures` lays them out.
  private static let figuresWidth = 56

  /// - Parameter cases: all that the table will have rows for, skipped ones too.
  package init(cases: [Case], width: Int = narrowest, isTerminal: Bool = false) {
    self.cases = cases
    self.width = max(width, Self.narrowest)
    labels = RowLabels(cases, room: self.width - Self.figuresWidth)
    paint = Paint(isTerminal: isTerminal)
  }

  /// What the rows share, and the titles.
  package var head: [String] {
    var lines: [String] = []
    var seen: Set<String> = []
    for name in cases.map(\.workload) where seen.insert(name).inserted {
      let constants = RowLabels.constants(of: cases.filter { $0.workload == name })
      lines += "\(name) \(constants)".wrapped(width)
    }
    if let legend = labels.legend { lines += legend.wrapped(width) }
    if !lines.isEmpty { lines.append("") }
    let title = start(labels.title) + figures { $0.title }
    return lines + [paint.head(title.trimmingTrailingBlanks)]
  }

  /// One case, on one line or more, without a line break at the end.
  package func row(for report: CaseReport) -> String {
    let label = labels.text(of: report.case)
    guard report.outcome == .ok else { return failure(report, label) }
    let figures = figures(marks: report.marks) { $0.cell(report) }.trimmingTrailingBlanks
    guard case .above = labels.layout else { return start(label) + figures }
    return (label.wrapped(width) + [start("") + figures]).joined(separator: "\n")
  }

  /// Whether a case has a row of its own; those that were skipped for one reason share a line.
  package static func hasRow(_ report: CaseReport) -> Bool {
    if case .skipped = report.outcome { false } else { true }
  }

  /// What was skipped, what the marks mean that occurred, and how the cases ended.
  package func foot(_ reports: [CaseReport]) -> [String] {
    competition(reports) + skips(reports) + [""]
      + (Notes.of(reports, shown: [.rate]) + [Notes.summary(of: reports)]).flatMap {
        $0.wrapped(width)
      }
  }

  /// A line for each case of ours that took turns with libraries of others: known only now.
  private func competition(_ reports: [CaseReport]) -> [String] {
    let lines = reports.compactMap { report in
      report.competition.map { (labels.text(of: report.case), Column.versus($0)) }
    }
    guard !lines.isEmpty else { return [] }
    let room = width - 32
    return ["", paint.head(labels.title.left(room) + Column.versus.title)]
      + lines.flatMap { label, versus in
        guard label.count > room - 2 else { return [label.left(room) + versus] }
        var parts = label.wrapped(room - 2)
        let last = parts.removeLast()
        return parts + [last.left(room) + versus]
      }
  }

  /// A line for each reason, with what its cases share.
  private func skips(_ reports: [CaseReport]) -> [String] {
    let skipped = reports.filter { !Self.hasRow($0) }
    let groups = OrderedDictionary(grouping: skipped) { $0.outcome.reason ?? "" }
    let lines = groups.flatMap { reason, group in
      let shared = labels.words(sharedBy: group.map(\.case))
      let count = group.count == 1 ? "" : "\(group.count) cases"
      let which = [count, shared].filter { !$0.isEmpty }.joined(separator: " of ")
      return "skipped: \(which): \(reason)".wrapped(width).map(paint.quiet)
    }
    return lines.isEmpty ? [] : [""] + lines
  }

  /// The left part of a line of figures.
  private func start(_ label: String) -> String {
    if case .above = labels.layout {
      label.left(width - Self.figuresWidth)
    } else {
      label.left(labels.width)
    }
  }

  private func figures(marks: [Mark] = [], _ cell: (Column) -> String) -> String {
    let beside = marks.filter { $0 == .unsteady || $0 == .wide }.map(\.rawValue).joined()
    let strayed = marks.contains(.strayed) ? Mark.strayed.rawValue : ""
    // A share and what binds it are aligned apart.
    let share = cell(.share).split(separator: " % ", maxSplits: 1).map(String.init)
    return [
      cell(.latency).right(9),
      cell(.spread).right(7),
      warning(beside, 2),
      cell(.rate).right(10),
      share.count == 2
        ? "  " + share[0].right(3) + " % " + share[1].left(4)
        : "  " + cell(.share).left(10),
      cell(.peak).right(9),
      warning(strayed, 1),
      cell(.error).right(6),
    ].joined()
  }

  private func warning(_ text: String, _ width: Int) -> String {
    text.isEmpty ? "".left(width) : paint.warning(text) + "".left(width - text.count)
  }

  /// Why there are no figures, beside the label or under it.
  private func failure(_ report: CaseReport, _ label: String) -> String {
    let outcome = report.outcome
    let words = "\(outcome)" + (outcome.reason.map { $0.isEmpty ? "" : ": \($0)" } ?? "")
    var lead = start(label) + "  "
    var lines: [String] = []
    if case .above = labels.layout {
      lines = label.wrapped(width)
      lead = "  "
    }
    let indent = String(repeating: " ", count: lead.count)
    for (index, line) in words.wrapped(width - lead.count).enumerated() {
      let painted = outcome.isFailure ? paint.failure(line) : paint.quiet(line)
      lines.append((index == 0 ? lead : indent) + painted)
    }
    return lines.joined(separator: "\n")
  }
}
