/// Words of users and machines as Markdown text: nothing in them is markup, a cell stays one cell.
func markdownEscaped(_ text: String) -> String {
  var escaped = ""
  for character in text {
    switch character {
    case "|", "\\", "`", "*", "_", "[", "]", "#", "~": escaped += "\\\(character)"
    case "<": escaped += "&lt;"
    case "&": escaped += "&amp;"
    case _ where character.isNewline: escaped += " "
    default: escaped.append(character)
    }
  }
  return escaped
}
