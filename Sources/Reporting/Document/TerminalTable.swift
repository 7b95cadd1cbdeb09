import Records

/// A table at a terminal: its rows can be printed one by one as they are known, and still line up.
///
/// Where labels have room they stand at the left, axis by axis or in words; else above the figures. No line
/// is wider than `width`, which is taken as at least `narrowest`, but for a table whose figures alone are.
package struct TerminalTable: Sendable {
  /// What the figures and a label of some letters need.
  package static let narrowest = 80

  private let columns: [Table.Column]
  /// Of each column, marks apart.
  private let widths: [Int]
  private let width: Int
  private let labels: RowLabels
  private let isBare: Bool
  private let paint: Paint

  /// - Parameter labels: of all rows that the table will have.
  package init(
    labels: [Table.Label], columns: [Table.Column], rows: [Table.Row] = [],
    width: Int = narrowest, isTerminal: Bool = false
  ) {
    self.columns = columns
    self.width = max(width, Self.narrowest)
    isBare = labels.allSatisfy { $0 == .none }
    paint = Paint(isTerminal: isTerminal)
    widths = columns.indices.map { index in
      let cells = rows.compactMap {
        $0.cells.isEmpty ? nil : $0.cells[index].cell.aligned(columns[index].alignment, 0).count
      }
      return max(columns[index].width, columns[index].title.count, cells.max() ?? 0)
    }
    let figures = zip(columns, widths).reduce(0) { $0 + $1.0.gap + $1.1 + $1.0.marks }
    self.labels = RowLabels(labels, room: self.width - figures)
  }

  package init(_ table: Table, width: Int = narrowest, isTerminal: Bool = false) {
    self.init(
      labels: table.rows.map(\.label), columns: table.columns, rows: table.rows, width: width,
      isTerminal: isTerminal)
  }

  /// What the rows share, and the titles.
  package var head: [String] {
    var lines = isBare ? [] : labels.shared.flatMap { $0.wrapped(width) }
    if let legend = labels.legend { lines += legend.wrapped(width) }
    if !lines.isEmpty { lines.append("") }
    let titles = columns.indices.map { index in
      let column = columns[index]
      let title =
        column.alignment == .right
        ? column.title.right(widths[index]) : column.title.left(widths[index])
      return "".left(column.gap) + title + "".left(column.marks)
    }.joined()
    return lines + [paint.head((start(labels.title) + titles).trimmingTrailingBlanks)]
  }

  /// On one line or more, without a line break at the end.
  package func row(_ row: Table.Row) -> String {
    let label = labels.text(of: row.label)
    guard !row.cells.isEmpty else { return inPlace(of: row, label) }
    let figures = columns.indices.map { figure(row.cells[$0], $0) }.joined()
      .trimmingTrailingBlanks
    let words = row.words.flatMap { $0.wrapped(width - 4) }.map { "    " + paint(row.tone)($0) }
    guard case .above = labels.layout else {
      return ([start(label) + figures] + words).joined(separator: "\n")
    }
    return (label.wrapped(width) + [start("") + figures] + words).joined(separator: "\n")
  }

  /// The left part of a line of figures.
  private func start(_ label: String) -> String {
    if isBare { return "" }
    if case .above = labels.layout { return "" }
    return label.left(labels.width)
  }

  private func figure(_ marked: Table.Marked, _ index: Int) -> String {
    let column = columns[index]
    let marks = marked.marks
    let behind =
      marks.isEmpty
      ? "".left(column.marks) : paint.warning(marks) + "".left(column.marks - marks.count)
    return "".left(column.gap) + marked.cell.aligned(column.alignment, widths[index]) + behind
  }

  /// Why there are no figures, beside the label or under it.
  private func inPlace(of row: Table.Row, _ label: String) -> String {
    var lead = start(label) + "  "
    var lines: [String] = []
    if case .above = labels.layout {
      lines = label.wrapped(width)
      lead = "  "
    }
    let indent = String(repeating: " ", count: lead.count)
    let words = row.words.joined(separator: "; ").wrapped(width - lead.count)
    for (index, line) in words.enumerated() {
      lines.append((index == 0 ? lead : indent) + paint(row.tone)(line))
    }
    return lines.joined(separator: "\n")
  }
}
