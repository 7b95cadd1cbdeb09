import Quantities

extension String {
  /// With blanks in front, to a width.
  func right(_ width: Int) -> String {
    String(repeating: " ", count: Swift.max(0, width - count)) + self
  }

  /// With blanks behind, to a width.
  func left(_ width: Int) -> String {
    self + String(repeating: " ", count: Swift.max(0, width - count))
  }

  /// Lines of at most `width` characters, broken between words; a longer word is broken.
  ///
  /// Control characters, as a child's last words may hold, do not reach the terminal.
  func wrapped(_ width: Int) -> [String] {
    precondition(width > 0, "a line holds at least one character")
    var lines: [String] = []
    var line = ""
    for word in split(whereSeparator: { $0.isWhitespace || $0.isSteering }) {
      var rest = word
      if !line.isEmpty, line.count + 1 + rest.count <= width {
        line += " " + rest
        continue
      }
      if !line.isEmpty { lines.append(line) }
      while rest.count > width {
        lines.append(String(rest.prefix(width)))
        rest = rest.dropFirst(width)
      }
      line = String(rest)
    }
    if !line.isEmpty { lines.append(line) }
    return lines
  }
}

extension Character {
  fileprivate var isSteering: Bool { unicodeScalars.contains(where: \.isSteering) }
}

/// Cells in columns that are as wide as their widest cell; the first row is the head.
struct TextGrid {
  enum Alignment { case left, right }

  let alignments: [Alignment]
  private(set) var rows: [[String]]

  init(_ columns: [(title: String, alignment: Alignment)]) {
    alignments = columns.map(\.alignment)
    rows = [columns.map(\.title)]
  }

  mutating func append(_ row: [String]) {
    precondition(row.count == alignments.count, "a row has a cell for each column")
    rows.append(row)
  }

  var lines: [String] {
    let widths = alignments.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      let cells = row.indices.map { column in
        alignments[column] == .right
          ? row[column].right(widths[column]) : row[column].left(widths[column])
      }
      return cells.joined(separator: "  ").trimmingTrailingBlanks
    }
  }
}

extension String {
  var trimmingTrailingBlanks: String {
    var text = self[...]
    while text.last == " " { text = text.dropLast() }
    return String(text)
  }
}
