package import Comparing
package import Foundation
import FoundationXML

/// The gate's answer as JUnit XML, which most CI servers show: a case each, regressions as failures,
/// what did not run to its end as errors, what could not be told as skipped. Where the gate's exit code
/// is not 0, there is a failure or an error; where it is, there is none.
package enum GateJUnit {
  package static func data(_ answer: GateAnswer, allowsInconclusive: Bool) -> Data {
    func attribute(_ name: String, _ value: String) -> XMLNode {
      XMLNode.attribute(withName: name, stringValue: value.inXML) as? XMLNode
        ?? XMLNode(kind: .attribute)
    }
    let complaint = answer.complaint(allowsInconclusive: allowsInconclusive)
    let complaints = complaint == nil ? 0 : 1
    let suite = XMLElement(name: "testsuite")
    func count(_ verdicts: CaseVerdict...) -> String {
      "\(answer.cells.count { verdicts.contains($0.verdict) })"
    }
    suite.attributes = [
      attribute("name", "headroom gate"),
      attribute("tests", "\(answer.cells.count + complaints)"),
      attribute("failures", count(.regressed)),
      attribute("errors", "\(answer.cells.count { $0.verdict == .failed } + complaints)"),
      attribute("skipped", count(.inconclusive, .new, .vanished, .skipped)),
    ]
    for cell in answer.cells {
      let test = XMLElement(name: "testcase")
      let workload = cell.name.prefix { $0 != "/" }
      test.attributes = [attribute("classname", String(workload)), attribute("name", cell.name)]
      let change = cell.change.map { Cell.signed($0.median) }
      let message = [change, cell.reason].compactMap(\.self).joined(separator: ", ")
      let kind: String? =
        switch cell.verdict {
        case .regressed: "failure"
        case .failed: "error"
        case .inconclusive, .new, .vanished, .skipped: "skipped"
        case .pass, .improved, .accepted: nil
        }
      if let kind {
        let child = XMLElement(name: kind)
        child.attributes = [
          attribute("message", "\(cell.verdict.rawValue): \(message)")
        ]
        test.addChild(child)
      }
      suite.addChild(test)
    }
    if let complaint {
      let test = XMLElement(name: "testcase")
      test.attributes = [attribute("classname", "gate"), attribute("name", complaint.title)]
      let child = XMLElement(name: "error")
      child.attributes = [attribute("message", complaint.words)]
      test.addChild(child)
      suite.addChild(test)
    }
    let document = XMLDocument(rootElement: suite)
    document.version = "1.0"
    document.characterEncoding = "UTF-8"
    return document.xmlData(options: .nodePrettyPrint)
  }
}

extension String {
  /// What XML cannot hold, even by its number, is replaced.
  ///
  /// - Source: W3C, "Extensible Markup Language (XML) 1.0", production 2 (Char).
  fileprivate var inXML: String {
    var text = String.UnicodeScalarView()
    for scalar in unicodeScalars {
      switch scalar.value {
      case 0x9, 0xA, 0xD, 0x20...0xD7FF, 0xE000...0xFFFD, 0x10000...0x10FFFF: text.append(scalar)
      default: text.append("\u{FFFD}")
      }
    }
    return String(text)
  }
}
