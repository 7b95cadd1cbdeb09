import Planning
import Quantities
import Records
import Testing

/// What a suite says that others published.
struct ClaimTests {
  private static func suite(_ claims: String, workload: String = "training-step") -> String {
    """
    suite: claims
    sweep:
      - workload: \(workload)
        axes: { \(workload == "matmul" ? "m: 1, n: 8, k: 8" : sizes) }
    claims:
      \(claims)
    """
  }

  private static let sizes =
    "layers: 2, hidden: 32, ffn: 48, heads: 4, kv-heads: 2, head-dim: 8, vocab: 50, tokens: 8"

  private func plan(_ text: String) throws -> Plan {
    try Planner(cores: 2).plan(try SuiteReader.parse(text, path: "suites/t.yaml"))
  }

  private func fault(_ text: String) -> Fault? {
    do {
      _ = try plan(text)
      return nil
    } catch let fault as SuiteFault {
      return fault.fault
    } catch {
      return nil
    }
  }

  @Test func `a claim is read with its figures and its source`() throws {
    let text = Self.suite(
      """
      - { saver: block, memory: 0.58, time: 1.27, source: "a ladder" }
        - { saver: nf4+lora(8), time: 0.87, source: "a guide" }
      """)
    #expect(
      try plan(text).suite.publishedClaims == [
        PublishedClaim(saver: "block", memory: 0.58, time: 1.27, source: "a ladder"),
        PublishedClaim(saver: "nf4+lora(8)", memory: nil, time: 0.87, source: "a guide"),
      ])
  }

  @Test(arguments: [
    ("- { saver: block, source: x }", "a claim has neither memory nor time"),
    ("- { saver: block, memory: 0.5 }", "an entry of claims has no 'source'"),
    ("- { memory: 0.5, source: x }", "an entry of claims has no 'saver'"),
    ("- { saver: block, memory: 0, source: x }", "memory is '0', which is not a number above 0"),
    ("- { saver: block, time: fast, source: x }", "time is 'fast', which is not a number above 0"),
    (
      "- { saver: block, memory: inf, source: x }", "memory is 'inf', which is not a number above 0"
    ),
    ("- { saver: blocks, memory: 1, source: x }", "saver is 'blocks'"),
    ("- { saver: block, speed: 2, source: x }", "an entry of claims has no key 'speed'"),
  ])
  func `a claim that says nothing is a fault at its place`(claim: String, what: String) {
    let fault = fault(Self.suite(claim))
    #expect(fault?.what == what)
    #expect(fault?.place?.hasPrefix("suites/t.yaml:6:") == true)
    #expect(fault?.mend?.isEmpty == false)
  }

  @Test func `claims of a sweep without savers are a fault`() {
    let claim = "- { saver: block, memory: 0.5, source: x }"
    #expect(
      fault(Self.suite(claim, workload: "matmul"))?.what
        == "no workload of the sweep has memory savers, of which claims are")
  }

  @Test func `a suite takes the claims of another beside it`() throws {
    let savers = try SuiteReader.read("suites/savers.yaml")
    let claims = try SuiteReader.read("suites/claims.yaml")
    #expect(savers.publishedClaims == claims.publishedClaims)
    #expect(claims.claims.count == 11)
    _ = try Planner(cores: 2).plan(savers)
  }
}
