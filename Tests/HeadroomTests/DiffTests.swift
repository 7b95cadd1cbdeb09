import Foundation
import Testing

/// Stored results compared, kept and written for others, as a user does it.
@Suite(.serialized) struct DiffTests {
  private func go(_ level: Int, processes: Int) -> String {
    (0..<processes).map { "goos: linux\nBenchmarkX-2 10 \(level + $0) ns/op 8 B/op 1 allocs/op" }
      .joined(separator: "\n") + "\n"
  }

  private static let busy = [
    "--workload", "self-test", "-a", "behaviour=busy", "-a", "nanoseconds=20000,30000", "-a",
    "threads=1", "--budget", "0.05s",
  ]

  @Test func `runs are compared, and what cannot be told is exit 3`() async throws {
    let program = try Program()
    defer { program.remove() }
    for name in ["a", "b"] {
      #expect(try await program.run(["sweep", "-o", "\(name).jsonl"] + Self.busy).code == 0)
    }
    let run = try await program.run(["diff", "a.jsonl", "b.jsonl"])
    #expect(run.code == 3)
    let lines = run.output.split(separator: "\n").map(String.init)
    #expect(lines.first == "inconclusive: 2 cases compared, 2 cannot tell")
    #expect(lines.allSatisfy { $0.count <= 80 })
    #expect(run.output.contains("1 and 1"))
    #expect(run.output.contains("is the same in all 2 cases"))
    let json = try await program.run(["diff", "a.jsonl", "b.jsonl", "--json", "-"])
    let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
    #expect(object?["schema"] as? String == "headroom.diff/1")
    #expect((object?["cells"] as? [[String: Any]])?.count == 2)
  }

  @Test func `another machine's run is exit 4`() async throws {
    let program = try Program()
    defer { program.remove() }
    #expect(try await program.run(["sweep", "-o", "a.jsonl"] + Self.busy).code == 0)
    let path = program.folder + "/a.jsonl"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try text.replacing(#""kernel_minor":""#, with: #""kernel_minor":"9"#)
      .write(toFile: program.folder + "/b.jsonl", atomically: true, encoding: .utf8)
    let run = try await program.run(["diff", "a.jsonl", "b.jsonl"])
    #expect(run.code == 4)
    #expect(run.output.contains("kernel 9"))
    #expect(run.output.contains("is the same in all 2 cases"))
  }

  @Test func `a count that grew is exit 1, in any tool's results`() async throws {
    let program = try Program()
    defer { program.remove() }
    try go(100, processes: 1).write(
      toFile: program.folder + "/a", atomically: true, encoding: .utf8)
    try go(100, processes: 1).replacing("8 B/op", with: "16 B/op").write(
      toFile: program.folder + "/b", atomically: true, encoding: .utf8)
    let run = try await program.run(["diff", "a", "b"])
    #expect(run.code == 1)
    #expect(run.output.contains("bytes per call: 8 → 16 (+100.0 %)"))
    let markdown = try await program.run(["diff", "a", "b", "--markdown", "-"])
    #expect(markdown.output.hasPrefix("**regressed: 1 case compared, "))
  }

  @Test func `a file that is none is exit 2`() async throws {
    let program = try Program()
    defer { program.remove() }
    #expect(try await program.run(["diff", "/nowhere", "/nowhere"]).code == 2)
  }

  @Test func `sessions of this machine are counted, stored, and told`() async throws {
    let program = try Program()
    defer { program.remove() }
    let first = try await program.run(
      ["calibrate", "--sessions", "2", "--builds", "0"] + Self.busy)
    #expect(first.code == 0, "\(first.errors)")
    #expect(first.output.contains("2 of the 6 sessions"))
    let second = try await program.run(["calibrate", "--sessions", "4"] + Self.busy)
    #expect(second.output.contains("sessions: 6, which stray by"))
    #expect(try await program.run(["calibrate", "--sessions", "0"] + Self.busy).code == 2)
  }

  @Test func `results are kept, shown and searched`() async throws {
    let program = try Program()
    defer { program.remove() }
    #expect(try await program.run(["history", "show"]).code == 2)
    #expect(try await program.run(["sweep", "-o", "a.jsonl"] + Self.busy).code == 0)
    let added = try await program.run(["history", "add", "a.jsonl"])
    #expect(added.output == "added a.jsonl: 2 cases\n")
    let again = try await program.run(["history", "add", "a.jsonl"])
    #expect(again.output == "left out a.jsonl: it was added before\n")
    let shown = try await program.run(["history", "show", "--case", "*20000*"])
    #expect(shown.output.contains(/latest +results.*\nself-test .* 1 +\+0\.0 %/))
    #expect(shown.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
    let changes = try await program.run(["history", "changes"])
    #expect(changes.code == 0)
    #expect(changes.output.contains("2 have under 10 results"))
  }

  @Test(arguments: ["google-benchmark", "bencher", "github-action-benchmark"])
  func `a run is written for other tools`(format: String) async throws {
    let program = try Program()
    defer { program.remove() }
    #expect(try await program.run(["sweep", "-o", "a.jsonl"] + Self.busy).code == 0)
    let run = try await program.run(["export", "a.jsonl", "--format", format])
    #expect(run.code == 0)
    let value = try JSONSerialization.jsonObject(with: Data(run.output.utf8))
    switch format {
    case "google-benchmark":
      let rows = (value as? [String: Any])?["benchmarks"] as? [[String: Any]]
      #expect(rows?.count == 2)
      #expect(rows?.allSatisfy { ($0["real_time"] as? Double ?? 0) > 1000 } == true)
      // What it writes it reads.
      try run.output.write(
        toFile: program.folder + "/gb.json", atomically: true, encoding: .utf8)
      #expect(try await program.run(["diff", "gb.json", "gb.json"]).code == 3)
    case "bencher":
      let metrics = (value as? [String: [String: [String: Double]]])?.values
      #expect(metrics?.allSatisfy { ($0["latency"]?["value"] ?? 0) > 1000 } == true)
    default:
      let rows = value as? [[String: Any]]
      #expect(rows?.map { $0["unit"] as? String } == ["ns", "ns"])
    }
  }

  @Test func `a form that is not known is exit 2 with the nearest`() async throws {
    let program = try Program()
    defer { program.remove() }
    let run = try await program.run(["export", "a", "--format", "benchr"])
    #expect(run.code == 2)
    #expect(run.errors.contains("did you mean 'bencher'?"))
  }
}
