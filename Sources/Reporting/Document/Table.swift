package import Records

/// Rows of typed cells, each with a label.
package struct Table: Sendable {
  /// What labels are: `case`, where no axis says it better.
  package let labelTitle: String
  package let columns: [Column]
  package private(set) var rows: [Row]

  package init(_ columns: [Column], labelTitle: String = "case", rows: [Row] = []) {
    self.labelTitle = labelTitle
    self.columns = columns
    self.rows = rows
  }

  package mutating func append(_ row: Row) { rows.append(row) }

  package struct Column: Sendable {
    package enum Alignment: Sendable { case left, right }

    package let title: String
    package let alignment: Alignment
    /// Characters that a terminal leaves for it, where rows are printed before all are known.
    package let width: Int
    /// Blanks before it.
    package let gap: Int
    /// Characters for marks behind each cell.
    package let marks: Int

    package init(
      _ title: String, _ alignment: Alignment = .right, width: Int = 0, gap: Int = 2,
      marks: Int = 0
    ) {
      self.title = title
      self.alignment = alignment
      self.width = width
      self.gap = gap
      self.marks = marks
    }
  }

  package struct Row: Sendable {
    package let label: Label
    /// As many as columns; none where words stand in their place.
    package let cells: [Marked]
    /// What else is to be said: under the figures, or in their place.
    package let words: [String]
    package let tone: Tone

    package init(
      _ label: Label, _ cells: [Cell], words: [String] = [], tone: Tone = .plain
    ) {
      self.init(label, marked: cells.map { Marked($0) }, words: words, tone: tone)
    }

    package init(
      _ label: Label, marked cells: [Marked], words: [String] = [], tone: Tone = .plain
    ) {
      self.label = label
      self.cells = cells
      self.words = words
      self.tone = tone
    }
  }

  /// A cell with what makes a reader careful of it.
  package struct Marked: Sendable {
    package let cell: Cell
    package let marks: String

    package init(_ cell: Cell, marks: String = "") {
      self.cell = cell
      self.marks = marks
    }
  }

  package enum Label: Sendable, Hashable {
    case none
    /// Another program's name.
    case words(String)
    /// This program's: axes that vary become columns, what all share is said once.
    case asked(Case)

    /// The case, where it is this program's.
    var asked: Case? {
      if case .asked(let one) = self { one } else { nil }
    }

    /// A case's id, or whatever another program calls one.
    package init(name: String) {
      self = Case(id: name).map { .asked($0) } ?? .words(name)
    }
  }
}
