import Foundation
import Testing

@Suite(.serialized) struct UsageTests {
  private static let inline = [
    "sweep", "--workload", "matmul", "-a", "m=1", "-a", "n=8", "-a", "k=8",
  ]

  /// A wrong command line, and what its message must hold.
  struct Misuse: CustomTestStringConvertible {
    let arguments: [String]
    let words: [String]
    var testDescription: String { arguments.joined(separator: " ") }

    init(_ arguments: [String], _ words: String...) {
      self.arguments = arguments
      self.words = words
    }
  }

  @Test(arguments: [
    Misuse(["sweep", "--no-such-option"], "no-such-option"),
    Misuse(["frobnicate"], "frobnicate"),
    Misuse(["sweep"], "there is no suite to run"),
    Misuse(["sweep", "missing.yaml"], "missing.yaml"),
    Misuse(["sweep", "--workload"], "--workload"),
    Misuse(["report"], "runs"),
    Misuse(["report", "run.jsonl", "--html", "page.html"], "--html"),
    Misuse(["list", "nothing"], "nothing"),
    Misuse(["plan"], "there is no suite to run"),
    Misuse(["report", "missing.jsonl"], "missing.jsonl"),
    Misuse(["sweep", "s.yaml", "--workload", "matmul"], "exclude each other"),
    Misuse(["sweep", "--workload", "matmull", "-a", "n=8", "-a", "k=8"], "matmul"),
    Misuse(inline + ["-a", "precison=bf16"], "precison", "precision"),
    Misuse(inline + ["-a", "precision=bf61"], "bf61", "bf16"),
    Misuse(inline + ["-a", "variant=avx521"], "avx521", "avx512"),
    Misuse(["sweep", "--workload", "matmul", "-a", "m=1", "-a", "n=8"], "k"),
    Misuse(["sweep", "--workload", "matmul", "-a", "m=0", "-a", "n=8", "-a", "k=8"], "m is 0"),
    Misuse(inline + ["-a", "threads=100000"], "100000"),
    Misuse(inline + ["--cpus", "99999"], "99999", "--cpus 0,1"),
    Misuse(inline + ["--cpus", "0,0"], "0,0"),
    Misuse(inline + ["--shard", "0/2"], "0/2"),
    Misuse(inline + ["--filter", "("], "("),
    Misuse(inline + ["--note", "x"], "--note key=value"),
    Misuse(inline + ["--within", "abc"], "abc"),
    Misuse(inline + ["--budget", "0s"], "0s"),
    Misuse(inline + ["--resume", "--replace"], "--resume and --replace exclude each other"),
    Misuse(inline + ["-o", "/proc/none/run.jsonl"], "/proc/none/run.jsonl"),
  ])
  func `a wrong command line is told so, exits 2 and writes nothing`(misuse: Misuse) async throws {
    let program = try Program()
    defer { program.remove() }
    let result = try await program.run(misuse.arguments)
    #expect(result.code == 2)
    #expect(result.output == "")
    for word in misuse.words { #expect(result.errors.contains(word), "\(result.errors)") }
    #expect(try FileManager.default.contentsOfDirectory(atPath: program.folder) == [])
  }

  /// A suite's text, and what the message must hold; the place is file, line and column.
  @Test(arguments: [
    ("suite: [", ["bad.yaml:"]),
    ("suite: s\nsweeep: []", ["bad.yaml:2:1", "sweeep", "sweep"]),
    ("suite: s\nsweep: []", ["bad.yaml:"]),
    (
      "suite: s\nsweep:\n  - workload: matmul\n    axes: { m: 1, n: x, k: 8 }",
      ["bad.yaml:4:", "n"]
    ),
    (
      "suite: s\nsweep:\n  - workload: matmul\n    axes: { m: 1, n: 0, k: 8 }",
      ["bad.yaml:4:", "n"]
    ),
    (
      "suite: s\nsweep:\n  - workload: matmul\n    axes: { m: 1-1000+1, n: 1-1000+1, k: 8 }",
      ["bad.yaml:", "1000000 cases, and at most 100000"]
    ),
    (
      "suite: s\nsweep:\n  - workload: matmul\n    axes: { m: [1, 1], n: 8, k: 8 }",
      ["bad.yaml:4:"]
    ),
    (
      "suite: s\nsweep:\n  - workload: matmull\n    axes: { m: 1, n: 8, k: 8 }",
      ["bad.yaml:3:15", "did you mean 'matmul'?"]
    ),
    (
      "suite: s\nsweep:\n  - &a\n    workload: matmul\n    axes: { m: 1, n: 8, k: 8 }\n  - *a",
      ["bad.yaml:", "stands twice"]
    ),
    (
      "suite: s\nmeasure: { budget: soon }\nsweep:\n  - workload: matmul",
      ["bad.yaml:2:20", "budget is 'soon'"]
    ),
  ])
  func `a wrong suite is told where, exits 2 and writes nothing`(text: String, words: [String])
    async throws
  {
    let program = try Program()
    defer { program.remove() }
    _ = try program.write(text, to: "bad.yaml")
    let result = try await program.run(["sweep", "bad.yaml"])
    #expect(result.code == 2)
    for word in words + ["fix:"] { #expect(result.errors.contains(word), "\(result.errors)") }
    #expect(try FileManager.default.contentsOfDirectory(atPath: program.folder) == ["bad.yaml"])
  }

  @Test(arguments: [
    ["--help"], ["--version"], ["sweep", "--help"], ["list"], ["list", "formats"],
  ])
  func `what asks for nothing to be run is good`(arguments: [String]) async throws {
    let program = try Program()
    defer { program.remove() }
    let result = try await program.run(arguments)
    #expect(result.code == 0)
    #expect(result.output != "" && result.errors == "")
  }

  private static let suites =
    (try? FileManager.default.contentsOfDirectory(atPath: Program.root + "/suites"))?
    .filter { $0.hasSuffix(".yaml") }.sorted() ?? []

  @Test(arguments: suites)
  func `each shipped suite makes a plan`(suite: String) async throws {
    let program = try Program()
    defer { program.remove() }
    let run = try await program.run(["plan", Program.root + "/suites/" + suite])
    #expect(run.code == 0, "\(run.errors)")
  }
}
