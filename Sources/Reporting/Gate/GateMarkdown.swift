package import Comparing

/// The gate's answer for a pull request: the verdict and the census first.
package enum GateMarkdown {
  package static func text(_ answer: GateAnswer, rule: GateRule) -> String {
    let table = GateTable(answer, rule: rule)
    var lines =
      ["**\(table.first)**"] + table.names.shared.flatMap { ["", markdownEscaped($0)] } + [""]
    lines += ["| case | verdict | change | 95 % interval | sees | blocks |"]
    lines += ["|---|---|---:|---|---:|---:|"]
    for cell in table.ordered {
      let change = cell.change.map { GateTable.signed($0.median) } ?? Column.absent
      var interval = Column.absent
      if let low = cell.change?.low, let high = cell.change?.high {
        interval = "\(GateTable.signed(low)) … \(GateTable.signed(high))"
      }
      let sees = cell.detectable.map { GateTable.share($0) } ?? Column.absent
      let verdict = cell.verdict.rawValue + (cell.reason.map { ": \($0)" } ?? "")
      lines.append(
        "| "
          + [
            markdownEscaped(table.names.label(cell.name)), markdownEscaped(verdict), change,
            interval, sees,
            "\(cell.blocks)",
          ].joined(separator: " | ") + " |")
    }
    return (lines + table.notes.flatMap { ["", markdownEscaped($0)] }).joined(separator: "\n")
      + "\n"
  }
}
