package import Comparing

/// Two stored results compared, for a pull request: the census first.
package enum DiffMarkdown {
  package static func text(_ diff: Diff) -> String {
    let table = DiffTable(diff)
    var lines =
      ["**\(table.first)**"] + table.names.shared.flatMap { ["", markdownEscaped($0)] } + [""]
    lines += ["| case | verdict | change | 95 % interval | processes |", "|---|---|---:|---|---:|"]
    for cell in table.ordered {
      let change = cell.change.map { GateTable.signed($0.median) } ?? Column.absent
      var interval = Column.absent
      if let low = cell.change?.low, let high = cell.change?.high {
        interval = "\(GateTable.signed(low)) … \(GateTable.signed(high))"
      }
      let words =
        [DiffTable.text(of: cell)] + cell.changes.map(DiffTable.words)
        + [cell.reason].compactMap(\.self)
      lines.append(
        "| "
          + [
            markdownEscaped(table.names.label(cell.name)),
            markdownEscaped(words.joined(separator: "; ")), change,
            interval, "\(cell.base.processes) / \(cell.head.processes)",
          ].joined(separator: " | ") + " |")
    }
    return (lines + table.foot.flatMap { ["", markdownEscaped($0)] }).joined(separator: "\n") + "\n"
  }
}
