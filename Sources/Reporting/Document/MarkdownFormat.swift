import Mustache
import OrderedCollections
import Quantities
import Records

/// A document to be read beside code: GitHub's Markdown.
package enum MarkdownFormat {
  package static func text(_ document: Document) throws -> String {
    let page = MarkdownPage(parts: document.elements(for: .page).map(MarkdownPart.init))
    return try MustacheTemplate(string: template).render(page)
  }

  /// What it prints is escaped beforehand: Mustache's own escaping is HTML's.
  private static let template = """
    {{% CONTENT_TYPE:TEXT}}
    {{#parts}}
    {{#text}}
    {{.}}

    {{/text}}
    {{#list}}
    {{#items}}
    - {{.}}
    {{/items}}

    {{/list}}
    {{#table}}
    |{{#titles}} {{.}} |{{/titles}}
    |{{#rules}}{{.}}|{{/rules}}
    {{#rows}}
    |{{#cells}} {{.}} |{{/cells}}
    {{/rows}}

    {{/table}}
    {{#commands}}
    <details><summary>{{title}}</summary>

    ```sh
    {{#lines}}
    {{.}}
    {{/lines}}
    ```

    </details>

    {{/commands}}
    {{/parts}}
    """
}

/// What the template is filled with: escaped words, in their order.
private struct MarkdownPage {
  let parts: [MarkdownPart]
}

private struct MarkdownPart {
  var text: String?
  var list: List?
  var table: MarkdownTable?
  var commands: Commands?

  struct List {
    let items: [String]
  }

  struct Commands {
    let title: String
    let lines: [String]
  }

  init(_ element: Document.Element) {
    switch element {
    case .heading(let title, let level):
      text = String(repeating: "#", count: level) + " " + markdownEscaped(title)
    case .paragraph(let words, let tone):
      text = tone == .strong ? "**\(words)**" : markdownEscaped(words)
    case .fields(let fields):
      list = List(
        items: fields.map { field in
          let name = "\(field.name.prefix(1).uppercased())\(field.name.dropFirst()):"
          return (field.tone == .warning ? "**\(name)** " : "\(name) ")
            + markdownEscaped(field.text)
        })
    case .table(let table):
      self.table = MarkdownTable(table)
      text = self.table.flatMap { $0.shared.isEmpty ? nil : $0.shared }
    case .notes(let notes): list = List(items: notes.map(markdownEscaped))
    case .commands(let title, let commands):
      self.commands =
        commands.isEmpty ? nil : Commands(title: title, lines: commands.map { $0.printable() })
    }
  }
}

/// A table of GitHub's Markdown, escaped.
private struct MarkdownTable {
  /// What all rows' labels have in common.
  let shared: String
  let titles: [String]
  let rules: [String]
  let rows: [Row]

  struct Row {
    let cells: [String]
  }

  /// Nothing without rows.
  init?(_ table: Table) {
    guard !table.rows.isEmpty else { return nil }
    let labels = MarkdownLabels(table)
    let hasWords = table.rows.contains { !$0.words.isEmpty }
    shared = markdownEscaped(labels.shared)
    titles =
      (labels.titles + table.columns.map(\.title) + (hasWords ? [""] : [])).map(markdownEscaped)
    rules =
      labels.areNumbers.map { $0 ? "---:" : "---" }
      + table.columns.map { $0.alignment == .right ? "---:" : "---" }
      + (hasWords ? ["---"] : [])
    rows = table.rows.map { row in
      let cells =
        row.cells.isEmpty
        ? table.columns.map { _ in Cell.missing }
        : row.cells.map { $0.marks.isEmpty ? $0.cell.text : "\($0.cell.text) \($0.marks)" }
      let words = hasWords ? [row.words.joined(separator: "; ")] : []
      return Row(cells: (labels.cells(of: row.label) + cells + words).map(markdownEscaped))
    }
  }
}

/// The labels of a table's rows: a column for each axis that varies, or one for all words.
private struct MarkdownLabels {
  let shared: String
  let titles: [String]
  let areNumbers: [Bool]
  private let axes: [String]?
  private let words: RowLabels

  init(_ table: Table) {
    let labels = table.rows.map(\.label)
    words = RowLabels(labels, room: 0)
    let cases = labels.compactMap(\.asked)
    if labels.allSatisfy({ $0 == .none }) {
      (shared, titles, areNumbers, axes) = ("", [], [], [])
    } else if cases.count == labels.count, Set(cases.map(\.workload)).count == 1 {
      let varying = RowLabels.varying(in: cases)
      shared = "All cases: \(words.shared.joined())"
      titles = varying
      areNumbers = varying.map { axis in cases.contains { $0.axes[axis]?.number != nil } }
      axes = varying
    } else {
      shared = words.shared.joined(separator: "; ")
      (titles, areNumbers, axes) = ([table.labelTitle], [false], nil)
    }
  }

  func cells(of label: Table.Label) -> [String] {
    guard let axes else { return [words.text(of: label)] }
    return axes.map { label.asked?.axes[$0]?.text ?? "" }
  }
}
