import Foundation
import Testing

/// What scripts read: JSON on standard output and nothing beside it, ids, and no side effects.
@Suite(.serialized) struct OutputTests {
  private let program: Program

  init() throws { program = try Program() }

  private func object(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  private static let matmul = ["--workload", "matmul", "-a", "m=1", "-a", "n=8,16", "-a", "k=8"]

  @Test func `a sweep's JSON stands alone on standard output`() async throws {
    defer { program.remove() }
    let swept = try await program.run(
      ["sweep", "--workload", "self-test", "-o", "run.jsonl", "--json", "-"] + Program.quick)
    #expect(swept.code == 0)
    let report = try object(swept.output)
    #expect(report["schema"] as? String == "headroom.report/1")
    let again = try await program.run(["report", "run.jsonl", "--json", "-"])
    #expect(again.output == swept.output)
  }

  /// The table begins with a line of what all cases share, and no line of another format does.
  @Test func `a report to standard output comes without the table`() async throws {
    defer { program.remove() }
    let swept = try await program.run(
      ["sweep", "--workload", "self-test", "-o", "run.jsonl"] + Program.quick)
    let shared = try #require(swept.output.split(separator: "\n").first)
    #expect(shared.hasPrefix("self-test "))
    let markdown = try await program.run(["report", "run.jsonl", "--markdown", "-"])
    #expect(markdown.output.hasPrefix("# ") && !markdown.output.contains("\n" + shared))
    let csv = try await program.run(["report", "run.jsonl", "--csv", "-"])
    #expect(csv.output.split(whereSeparator: \.isNewline).count == 2)
  }

  @Test func `a plan as JSON starts nothing and writes nothing`() async throws {
    defer { program.remove() }
    let planned = try await program.run(["plan"] + Self.matmul + ["--json", "-"] + Program.first)
    #expect(planned.code == 0 && planned.errors == "")
    let plan = try object(planned.output)
    let cases = try #require(plan["cases"] as? [[String: Any]])
    #expect(
      cases.map { $0["id"] as? String } == [
        "matmul/m=1,n=8,k=8,precision=fp32,variant=best,threads=all,cache=warm",
        "matmul/m=1,n=16,k=8,precision=fp32,variant=best,threads=all,cache=warm",
      ])
    // A multiply and an add for each of 1 × n × 8.
    #expect(cases.map { $0["flops"] as? Int } == [128, 256])
    #expect(cases.map { $0["threads"] as? Int } == [1, 1])
    #expect((plan["skips"] as? [Any])?.isEmpty == true && plan["estimated_seconds"] is NSNumber)
    #expect(try FileManager.default.contentsOfDirectory(atPath: program.folder) == [])
  }

  @Test(arguments: [("n=16,", 1), ("k=8", 2), ("^matmul/m=1,n=8,", 1)])
  func `a filter keeps the cases in whose id it is found`(pattern: String, count: Int)
    async throws
  {
    defer { program.remove() }
    let planned = try await program.run(["plan"] + Self.matmul + ["--filter", pattern])
    #expect(planned.code == 0)
    #expect(planned.output.contains("\(count) case"))
    let json = try await program.run(
      ["plan"] + Self.matmul + ["--filter", pattern, "--json", "-"])
    let plan = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
    #expect((plan?["cases"] as? [Any])?.count == count)
  }

  @Test func `what there is can be read as JSON`() async throws {
    defer { program.remove() }
    let listed = try await program.run(["list", "--json", "-"])
    #expect(listed.code == 0)
    let list = try object(listed.output)
    let workloads = try #require(list["workloads"] as? [[String: Any]])
    let matmul = try #require(workloads.first { $0["name"] as? String == "matmul" })
    let axes = try #require(matmul["axes"] as? [String])
    #expect(axes.starts(with: ["m", "n", "k", "precision"]))
    #expect((matmul["variants"] as? [String])?.first == "reference")
    let formats = try #require(list["formats"] as? [[String: Any]])
    #expect(formats.contains { $0["name"] as? String == "bf16" })
  }
}
