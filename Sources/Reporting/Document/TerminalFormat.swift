/// A document at a terminal, in lines of 80 columns.
package enum TerminalFormat {
  package static func lines(
    _ document: Document, width: Int = TerminalTable.narrowest, isTerminal: Bool = false
  ) -> [String] {
    let paint = Paint(isTerminal: isTerminal)
    var lines: [String] = []
    var before: Document.Element?
    for element in document.elements(for: .terminal) {
      let own: [String] =
        switch element {
        case .heading(let title, _): [paint.head(title)]
        case .paragraph(let words, let tone): words.wrapped(width).map(paint(tone))
        case .fields(let fields): fields.flatMap { self.lines($0, width, paint) }
        case .table(let table): self.lines(table, width, isTerminal)
        case .notes(let notes): notes.flatMap { $0.wrapped(width) }
        case .commands(_, let commands): commands
        }
      guard !own.isEmpty else { continue }
      if let before, element.startsApart(from: before) { lines.append("") }
      lines += own
      before = element
    }
    return lines
  }

  private static func lines(_ table: Table, _ width: Int, _ isTerminal: Bool) -> [String] {
    guard !table.rows.isEmpty else { return [] }
    let terminal = TerminalTable(table, width: width, isTerminal: isTerminal)
    return terminal.head
      + table.rows.flatMap {
        terminal.row($0).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      }
  }

  /// A name and what is to be said of it, wrapped beside it.
  private static func lines(_ field: Document.Field, _ width: Int, _ paint: Paint) -> [String] {
    let start = 16
    let lead = "  " + field.name.left(start - 4)
    return field.text.wrapped(width - max(start, lead.count + 2)).enumerated().map { index, line in
      (index == 0 ? lead : "".left(lead.count)) + "  " + paint(field.tone)(line)
    }
  }
}

extension Document.Element {
  /// Whether a blank line stands between it and the one before: a heading belongs to what follows, and
  /// paragraphs stand together, as fields do.
  fileprivate func startsApart(from before: Document.Element) -> Bool {
    switch (before, self) {
    case (.heading, .heading): true
    case (.heading, _), (.paragraph, .paragraph), (.fields, .fields): false
    default: true
    }
  }
}
