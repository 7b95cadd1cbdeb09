package import Comparing

/// The gate's answer as lines that GitHub shows beside a change.
package enum GateAnnotations {
  package static func lines(_ answer: GateAnswer) -> [String] {
    answer.staleAcceptances.map { "::error::\(escaped($0, isProperty: false))" }
      + answer.cells.compactMap(line)
  }

  private static func line(of cell: JudgedCase) -> String? {
    let kind: String
    switch cell.verdict {
    case .regressed, .failed: kind = "error"
    case .inconclusive: kind = "warning"
    case .new, .vanished: kind = "notice"
    case .pass, .improved, .accepted, .skipped: return nil
    }
    let change = cell.change.map { GateTable.signed($0.median) }
    let words = [change, cell.reason].compactMap(\.self).joined(separator: ", ")
    return
      "::\(kind) title=\(escaped("\(cell.verdict.rawValue): \(cell.name)", isProperty: true))"
      + "::\(escaped(words, isProperty: false))"
  }

  /// - Source: GitHub's "Workflow commands", as `@actions/core` writes them.
  private static func escaped(_ text: String, isProperty: Bool) -> String {
    text.reduce(into: "") { escaped, character in
      switch character {
      case "%": escaped += "%25"
      case "\r": escaped += "%0D"
      case "\n": escaped += "%0A"
      case ":" where isProperty: escaped += "%3A"
      case "," where isProperty: escaped += "%2C"
      default: escaped.append(character)
      }
    }
  }
}
