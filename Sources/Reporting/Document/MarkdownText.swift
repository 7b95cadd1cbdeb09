import Quantities

/// Words of users and machines as Markdown text: nothing in them is markup, a mention or a list, and a
/// cell stays one cell. Scalar by scalar, since a mark that combines with `|` makes one `Character`.
package func markdownEscaped(_ text: String) -> String {
  var escaped = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "|", "\\", "`", "*", "_", "[", "]", "#", "~": escaped += "\\\(scalar)"
    case "<": escaped += "&lt;"
    case "&": escaped += "&amp;"
    // A space of no width keeps GitHub from telling somebody of that name.
    case "@": escaped += "@\u{200B}"
    case "\n", "\r", "\t", "\u{2028}", "\u{2029}", "\u{85}": escaped += " "
    default: escaped += String(scalar).printable()
    }
  }
  return escaped.isListItem ? "\\" + escaped : escaped
}

extension String {
  /// Whether a line that begins so would be an item of a list, or a rule.
  fileprivate var isListItem: Bool { hasPrefix("- ") || hasPrefix("+ ") || hasPrefix("---") }
}
