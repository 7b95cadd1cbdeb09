package import Comparing
import Quantities

/// The gate's answer as lines that GitHub shows beside a change. Where the gate's exit code is not 0,
/// one of them is an error; where it is, none is.
package enum GateAnnotations {
  package static func lines(_ answer: GateAnswer, allowsInconclusive: Bool) -> [String] {
    let cases = answer.cells.compactMap(line)
    let verdict = answer.complaint(allowsInconclusive: allowsInconclusive).map {
      "::error title=\(escaped($0.title, isProperty: true))::\(escaped($0.words, isProperty: false))"
    }
    return [verdict].compactMap(\.self) + cases
  }

  private static func line(of cell: JudgedCase) -> String? {
    let kind: String
    switch cell.verdict {
    case .regressed, .failed: kind = "error"
    case .inconclusive: kind = "warning"
    case .new, .vanished: kind = "notice"
    case .pass, .improved, .accepted, .skipped: return nil
    }
    let change = cell.change.map { Cell.signed($0.median) }
    let words = [change, cell.reason].compactMap(\.self).joined(separator: ", ")
    return
      "::\(kind) title=\(escaped("\(cell.verdict.rawValue): \(cell.name)", isProperty: true))"
      + "::\(escaped(words, isProperty: false))"
  }

  /// Scalar by scalar: `\r\n` is one `Character`.
  ///
  /// - Source: GitHub's "Workflow commands", as `@actions/core` writes them.
  private static func escaped(_ text: String, isProperty: Bool) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "%": escaped += "%25"
      case "\r": escaped += "%0D"
      case "\n": escaped += "%0A"
      case ":" where isProperty: escaped += "%3A"
      case "," where isProperty: escaped += "%2C"
      default: escaped += String(scalar).printable()
      }
    }
    return escaped.replacing("##[", with: "##%5B")
  }
}
