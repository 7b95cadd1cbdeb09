import Foundation
import Planning
import Quantities
import Reporting
import Testing

/// A plan for people, of cases that do not all fit.
@Suite struct PlanDocumentTests {
  private func plan(_ limit: String) throws -> Plan {
    try Planner(cores: 1).plan(
      SuiteReader.parse(
        """
        suite: t
        measure: { memory-limit: \(limit) }
        sweep:
          - workload: matmul
            axes: { m: 64, n: 1024, k: [64, 1024, 2048], variant: portable, threads: 1 }
        """, path: "t.yaml"))
  }

  @Test func `cases that will not fit are counted, with the smallest and the largest`() throws {
    let sentences = Misfits.sentences(of: try plan("2 MiB"))
    #expect(sentences.count == 1)
    let words = try #require(sentences.first)
    #expect(words.hasPrefix("2 of 3 cases will not fit: they need "))
    #expect(words.hasSuffix(", the limit is 2.00 MiB (memory-limit)"))
    #expect(words.contains(" MiB to "))
  }

  @Test func `a row says whether its case fits`() throws {
    let lines = TerminalFormat.lines(PlanDocument.make(try plan("2 MiB")))
    #expect(lines.count { $0.hasSuffix("no (memory-limit)") } == 2)
    #expect(lines.contains { $0.hasSuffix("yes") })
    #expect(
      !TerminalFormat.lines(PlanDocument.make(try plan("1 GiB"))).contains { $0.contains("fits") })
  }

  @Test func `scripts read it, too`() throws {
    let data = try PlanDocument.make(try plan("2 MiB")).json()
    let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let cases = try #require(json["cases"] as? [[String: Any]])
    #expect(cases.map { $0["fits"] as? Bool } == [true, false, false])
    let misfit = try #require(cases[2]["misfit"] as? [String: Any])
    #expect(misfit["owner"] as? String == "memory-limit" && misfit["limit"] as? Int == 2 << 20)
  }
}
