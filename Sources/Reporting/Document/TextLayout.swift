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

extension String {
  var trimmingTrailingBlanks: String {
    var text = self[...]
    while text.last == " " { text = text.dropLast() }
    return String(text)
  }
}
