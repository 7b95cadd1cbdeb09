package import Comparing
package import Foundation
import FoundationXML

/// The gate's answer as JUnit XML, which most CI servers show: a case each, regressions as failures,
/// what did not run to its end as errors, what could not be told as skipped.
package enum GateJUnit {
  package static func data(_ answer: GateAnswer) -> Data {
    func attribute(_ name: String, _ value: String) -> XMLNode {
      XMLNode.attribute(withName: name, stringValue: value) as? XMLNode ?? XMLNode(kind: .attribute)
    }
    let suite = XMLElement(name: "testsuite")
    func count(_ verdicts: CaseVerdict...) -> String {
      "\(answer.cells.count { verdicts.contains($0.verdict) })"
    }
    suite.attributes = [
      attribute("name", "headroom gate"), attribute("tests", "\(answer.cells.count)"),
      attribute("failures", count(.regressed)), attribute("errors", count(.failed)),
      attribute("skipped", count(.inconclusive, .new, .vanished, .skipped)),
    ]
    for cell in answer.cells {
      let test = XMLElement(name: "testcase")
      let workload = cell.name.prefix { $0 != "/" }
      test.attributes = [attribute("classname", String(workload)), attribute("name", cell.name)]
      let change = cell.change.map { GateTable.signed($0.median) }
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
    let document = XMLDocument(rootElement: suite)
    document.version = "1.0"
    document.characterEncoding = "UTF-8"
    return document.xmlData(options: .nodePrettyPrint)
  }
}
