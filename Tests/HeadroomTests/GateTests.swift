import Foundation
import FoundationXML
import Testing

@Suite(.serialized) struct GateTests {
  /// Blocks of one cell, head so many times as slow as base.
  private func timings(_ cells: [(name: String, ratio: Double, blocks: Int)]) -> String {
    let cells = cells.map { cell in
      let block = #"{"base":[0.001,0.001],"head":[\#(0.001 * cell.ratio),\#(0.001 * cell.ratio)]}"#
      let blocks = Array(repeating: block, count: cell.blocks).joined(separator: ",")
      return #"{"name":"\#(cell.name)","blocks":[\#(blocks)]}"#
    }
    return #"{"cells":[\#(cells.joined(separator: ","))]}"#
  }

  private func replay(_ text: String, _ arguments: [String] = ["--json", "-"]) async throws
    -> (code: Int32?, verdict: String?, output: String, errors: String)
  {
    let program = try Program()
    defer { program.remove() }
    try text.write(toFile: program.folder + "/blocks.json", atomically: true, encoding: .utf8)
    let result = try await program.run(["gate", "--replay", "blocks.json"] + arguments)
    let answer =
      try? JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
    return (result.code, answer?["verdict"] as? String, result.output, result.errors)
  }

  @Test(arguments: [
    (1.0, 40, 0 as Int32, "pass"), (1.1, 40, 1, "regressed"), (0.9, 40, 0, "pass"),
    (1.0, 1, 3, "inconclusive"), (1.1, 12, 3, "inconclusive"),
  ])
  func `paired timings of any program are judged`(
    ratio: Double, blocks: Int, code: Int32, verdict: String
  ) async throws {
    let answer = try await replay(timings([("a", ratio, blocks)]))
    #expect(answer.code == code)
    #expect(answer.verdict == verdict)
  }

  @Test func `the answer says of each cell what it rests on`() async throws {
    let answer = try await replay(timings([("slow", 1.1, 40), ("still", 1, 40)]))
    let object =
      try JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any]
    let cells = try #require(object?["cells"] as? [[String: Any]])
    #expect(cells.map { $0["verdict"] as? String } == ["regressed", "pass"])
    #expect(cells.map { $0["stage"] as? String } == ["confirm", "screen"])
    #expect(cells.map { $0["blocks"] as? Int } == [17, 9])
    let change = try #require(cells[0]["change"] as? [String: Double])
    #expect(abs(try #require(change["median"]) - 0.1) < 1e-9)
    #expect(abs(try #require(cells[1]["detectable"] as? Double) - 0.02) < 1e-9)
  }

  @Test func `a larger tolerance lets the same blocks pass`() async throws {
    let text = timings([("a", 1.1, 40)])
    #expect(
      try await replay(text, ["--tolerate", "12%", "--detect", "20%", "--json", "-"]).code == 0)
  }

  @Test func `nothing to judge is exit 6`() async throws {
    #expect(try await replay(#"{"cells":[]}"#).code == 6)
  }

  @Test(arguments: [
    (#"{"cells":[{"name":"a","blocks":[{"base":[0],"head":[1]}]}]}"#, "base has the time 0.0"),
    (#"{"cells":[{"name":"a","blocks":[{"base":[1],"head":[-2]}]}]}"#, "head has the time -2.0"),
    (#"{"cells":[{"name":"a","blocks":[{"base":[1],"head":[NaN]}]}]}"#, "not whole JSON"),
    (#"{"cells":[{"name":"a","blocks":[{"base":[1],"he"#, "is cut off"),
    (#"{"cells":[{"name":"a","blocks":[]},{"name":"a","blocks":[]}]}"#, "two cells"),
    ("", "is empty"),
    (#"{"verdict":"pass","cells":[{"name":"a","blocks":9}]}"#, "this is what a gate answered"),
  ])
  func `timings that cannot be are told so`(text: String, words: String) async throws {
    let answer = try await replay(text)
    #expect(answer.code == 2)
    #expect(answer.errors.contains(words), "\(answer.errors)")
    #expect(answer.errors.contains("blocks.json"))
    #expect(answer.output == "")
  }

  @Test func `what people read fits 80 columns and states the claims`() async throws {
    let name = "quantized-matmul/m=1,n=4096,k=4096,format=q4_0,variant=best,threads=1,cache=warm"
    let other = "quantized-matmul/m=8,n=4096,k=4096,format=q4_0,variant=best,threads=1,cache=warm"
    let answer = try await replay(timings([(name, 1.1, 40), (other, 1, 40)]), [])
    let lines = answer.output.split(separator: "\n").map(String.init)
    #expect(lines.first == "regressed: 2 cases judged, 1 regressed")
    #expect(lines.allSatisfy { $0.count <= 80 })
    #expect(lines.contains { $0.hasPrefix("1  regressed  +10.0 %") })
    for words in ["at most 1 %", "There was no comparison of base with itself"] {
      #expect(lines.joined(separator: " ").contains(words))
    }
  }

  @Test func `a pull request is told the verdict and the census first`() async throws {
    let answer = try await replay(
      timings([("slow|er", 1.1, 40), ("still", 1, 40)]), ["--markdown", "-"])
    let lines = answer.output.split(separator: "\n").map(String.init)
    #expect(lines.first == "**regressed: 2 cases judged, 1 regressed**")
    #expect(lines.contains { $0.hasPrefix("| slow\\|er | regressed | +10.0 % | +10.0 %") })
    #expect(lines.contains { $0.hasPrefix("| still | pass | +0.0 % |") })
  }

  @Test func `a pull request reads what all cases share once`() async throws {
    let axes = "n=4096,k=4096,format=q4_0,variant=best,threads=1,cache=warm"
    let cells = [1, 8].map { ("quantized-matmul/m=\($0),\(axes)", 1.0, 40) }
    let lines = try await replay(timings(cells), ["--markdown", "-"])
      .output.split(separator: "\n").map(String.init)
    let shared = axes.replacing("_", with: "\\_").replacing(",", with: " ")
    #expect(lines.count { $0 == "All cases: quantized-matmul \(shared)" } == 1)
    #expect(lines.contains { $0.hasPrefix("| 8 | pass |") })
  }

  @Test func `CI servers read it as JUnit`() async throws {
    let answer = try await replay(
      timings([("a & b", 1.1, 40), ("still", 1, 40), ("one", 1, 1)]), ["--junit", "-"])
    let document = try XMLDocument(xmlString: answer.output)
    let suite = try #require(document.rootElement())
    func value(_ name: String) -> String? { suite.attribute(forName: name)?.stringValue }
    #expect(value("tests") == "3")
    #expect(value("failures") == "1")
    #expect(value("skipped") == "1")
    #expect(value("errors") == "0")
    let cases = suite.elements(forName: "testcase")
    #expect(cases.map { $0.attribute(forName: "name")?.stringValue } == ["a & b", "still", "one"])
    #expect(cases.map { $0.elements(forName: "failure").count } == [1, 0, 0])
    #expect(cases.map { $0.elements(forName: "skipped").count } == [0, 0, 1])
  }

  @Test func `GitHub is told what regressed, and its step summary added to`() async throws {
    let program = try Program()
    defer { program.remove() }
    let blocks = timings([("m=1,n=2", 1.1, 40), ("still", 1, 40)])
    try blocks.write(
      toFile: program.folder + "/blocks.json", atomically: true, encoding: .utf8)
    let summary = program.folder + "/summary.md"
    try "before\n".write(toFile: summary, atomically: true, encoding: .utf8)
    let run = try await program.run(
      ["gate", "--replay", "blocks.json", "--github"],
      environment: ["GITHUB_STEP_SUMMARY": summary])
    #expect(run.output.hasPrefix("::error title=regressed%3A m=1%2Cn=2::+10.0 %25\n"))
    let text = try String(contentsOfFile: summary, encoding: .utf8)
    #expect(text.hasPrefix("before\n**regressed: 2 cases judged, 1 regressed**\n"))
  }

  @Test func `a simulation of few suites is the same for the same seed`() async throws {
    let program = try Program()
    defer { program.remove() }
    let arguments = ["gate", "--simulate", "--suites", "5", "--cases", "3", "--seed", "7"]
    let one = try await program.run(arguments)
    let two = try await program.run(arguments)
    #expect(one.code == 0)
    #expect(one.output == two.output)
    #expect(one.output.contains("position, no coin"))
  }

  // Two builds

  /// A suite of one case whose turns are short.
  private func busy(in program: Program, gate: String = "{ turn: 5 ms }") throws -> String {
    try """
    suite: busy
    gate: \(gate)
    sweep:
      - workload: self-test
        axes: { behaviour: busy, nanoseconds: 20000, threads: 1 }
    """.write(toFile: program.folder + "/s.yaml", atomically: true, encoding: .utf8)
    return "s.yaml"
  }

  @Test func `a build against itself leaves a result that is judged again alike`() async throws {
    let program = try Program()
    defer { program.remove() }
    let run = try await program.run(
      ["gate", try busy(in: program), "--base", Program.path, "-o", "r.json", "--json", "-"])
    let replayed = try await program.run(["gate", "--replay", "r.json", "--json", "-"])
    #expect(run.code == replayed.code)
    #expect(run.output == replayed.output)
    let again = try await program.run(
      ["gate", "s.yaml", "--base", Program.path, "-o", "r.json"])
    #expect(again.code == 2)
    #expect(again.errors.contains("--replace"))
  }

  @Test(arguments: [("{ turn: 5 ms, time: 1 ns }", []), ("{ turn: 5 ms }", ["--time", "1ns"])])
  func `what is undecided when the time is over is inconclusive, by name`(
    gate: String, arguments: [String]
  ) async throws {
    let program = try Program()
    defer { program.remove() }
    let run = try await program.run(
      ["gate", try busy(in: program, gate: gate), "--base", Program.path, "-o", "r.json"]
        + arguments)
    #expect(run.code == 3)
    #expect(run.output.hasPrefix("inconclusive: 1 case judged, 1 inconclusive\n"))
    #expect(run.output.contains("0 blocks, and the screen needs 8; its time of 1.00 ns was over"))
    let replayed = try await program.run(["gate", "--replay", "r.json"])
    #expect(replayed.code == 3)
    #expect(replayed.output.contains("its time of 1.00 ns was over"))
  }

  @Test func `blocks before an interruption can be judged`() async throws {
    let program = try Program()
    defer { program.remove() }
    // A round takes seconds, so that many are to come when the first is stored.
    let suite = try busy(in: program, gate: "{ turn: 500 ms }")
    async let judged = program.run(["gate", suite, "--base", Program.path, "-o", "r.json"])
    let worker = try await Workers.some(under: program) {
      FileManager.default.fileExists(atPath: program.folder + "/r.json")
    }
    kill(try #require(Workers.parent(of: worker)), SIGINT)
    let run = try await judged
    #expect(run.code == 130)
    #expect(run.errors.contains("judge them with --replay"))
    try await Workers.gone(from: program)
    let replayed = try await program.run(["gate", "--replay", "r.json"])
    #expect(replayed.code == 3)
    #expect(replayed.output.contains("inconclusive: 1 case judged"))
  }

  @Test func `blocks of a gate that was killed can be judged, and it is said`() async throws {
    let program = try Program()
    defer { program.remove() }
    let suite = try busy(in: program, gate: "{ turn: 500 ms }")
    async let judged = program.run(["gate", suite, "--base", Program.path, "-o", "r.json"])
    let worker = try await Workers.some(under: program) {
      FileManager.default.fileExists(atPath: program.folder + "/r.json")
    }
    kill(try #require(Workers.parent(of: worker)), SIGKILL)
    _ = try await judged
    try await Workers.gone(from: program)
    let replayed = try await program.run(["gate", "--replay", "r.json"])
    #expect(replayed.code == 3)
    #expect(replayed.output.contains("inconclusive: 1 case judged"))
    #expect(replayed.errors.contains("did not end: its blocks so far are judged"))
    let again = try await program.run(["gate", suite, "--base", Program.path, "-o", "r.json"])
    #expect(again.code == 2)
    #expect(again.errors.contains("--replace"))
  }

  @Test func `a case that fails on a side says on which, and is exit 5`() async throws {
    let program = try Program()
    defer { program.remove() }
    let run = try await program.run(
      ["gate", "--base", Program.path, "--workload", "self-test"]
        + ["-a", "behaviour=wrong", "-a", "nanoseconds=1000", "-o", "r.json"])
    #expect(run.code == 5)
    #expect(run.output.contains("failed: 1 case judged, 1 failed"))
    #expect(run.output.contains("tolerance"))
  }

  /// A base that knows other workloads only.
  @Test func `what base has not is new, and nothing judged is exit 6`() async throws {
    let program = try Program()
    defer { program.remove() }
    let old = program.folder + "/old"
    try """
    #!/bin/sh
    [ "$1" = worker ] && exec '\(Program.path)' worker
    echo '{"formats": [], "workloads": [{"name": "matmul", "about": "", "axes": [], "variants": []}]}'
    """.write(toFile: old, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: old)
    let run = try await program.run(["gate", try busy(in: program), "--base", old, "-o", "r.json"])
    #expect(run.code == 6)
    #expect(run.output.contains("1 new"))
    #expect(run.output.contains("base has not the workload self-test"))
  }

  @Test(arguments: [
    (["--base", "/nowhere/headroom"], "there is no program to run"),
    (["--base", "/bin/true"], "does not answer as headroom does"),
    ([], "there is nothing to judge"),
    (["--base", "/bin/true", "--tolerate", "5%", "--detect", "4%"], "no more than"),
    (["--base", "/bin/true", "--tolerate", "5"], "--tolerate"),
    (["--base", "/bin/true", "--base-commit", "HEAD"], "exclude each other"),
    (["--base-commit", "HEAD"], "no git checkout"),
  ])
  func `a gate that cannot begin says why and writes nothing`(
    arguments: [String], words: String
  ) async throws {
    let program = try Program()
    defer { program.remove() }
    let run = try await program.run(["gate", try busy(in: program)] + arguments)
    #expect(run.code == 2)
    #expect(run.errors.contains(words), "\(run.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: program.folder) == ["s.yaml"])
  }

  @Test func `a regression that was accepted passes until its day`() async throws {
    let program = try Program()
    defer { program.remove() }
    let gate =
      ["gate", try busy(in: program), "--base", Program.path, "-o", "r.json", "--replace"]
    #expect(try await program.run(gate + ["--slow-down", "90%"]).code == 1)
    let accept = ["accept", "--from", "r.json", "--because", "worth it", "--case"]
    let accepted = try await program.run(accept + ["self-test/*", "--until", "9999-12-31"])
    #expect(accepted.code == 0)
    #expect(accepted.output.hasPrefix("accepted until 9999-12-31: time of self-test/*"))
    let replayed = try await program.run(["gate", "--replay", "r.json"])
    #expect(replayed.code == 0)
    #expect(replayed.output.contains("time accepted until 9999-12-31: worth it"))
    let other = try await program.run(accept + ["x*", "--until", "9999-12-31"])
    #expect(other.code == 2)
    #expect(other.errors.contains("no case that regressed matches 'x*'"))
    try "{".write(
      toFile: program.folder + "/headroom-accept.json", atomically: true, encoding: .utf8)
    let torn = try await program.run(["gate", "--replay", "r.json"])
    #expect(torn.code == 2)
    #expect(torn.errors.contains("the file of acceptances is cut off"))
  }

  @Test func `builds that speak another protocol are not comparable`() async throws {
    let program = try Program()
    defer { program.remove() }
    let old = program.folder + "/old"
    let hello = #"{"protocol":7,"schema":"x","process":1,"anonymous":{"unavailable":"x"}}"#
    try """
    #!/bin/sh
    [ "$1" = worker ] && { echo '\(hello)'; exec cat; }
    exec '\(Program.path)' "$@"
    """.write(toFile: old, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: old)
    let run = try await program.run(["gate", try busy(in: program), "--base", old, "-o", "r.json"])
    #expect(run.code == 4)
    #expect(run.errors.contains("speaks protocol 7, and this program 1"))
  }

  /// Each side is a program between gate and worker that notes when it is asked for a turn.
  @Test func `turns mirror each other, and a coin says who is first`() async throws {
    let program = try Program()
    defer { program.remove() }
    let log = program.folder + "/turns"
    for side in ["base", "head"] {
      let path = program.folder + "/" + side
      try """
      #!/bin/sh
      [ "$1" = worker ] || exec '\(Program.path)' "$@"
      while IFS= read -r line; do
        case "$line" in '{"sample"'*) echo \(side) >> '\(log)' ;; esac
        printf '%s\\n' "$line"
      done | '\(Program.path)' worker
      """.write(toFile: path, atomically: true, encoding: .utf8)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    }
    _ = try await program.run(
      ["gate", try busy(in: program), "--base", program.folder + "/base"]
        + ["--head", program.folder + "/head", "--seed", "3", "-o", "r.json"])
    let turns = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
    let blocks = stride(from: 0, to: turns.count, by: 4).map {
      turns[$0..<min($0 + 4, turns.count)].joined(separator: " ")
    }
    // The case of base against itself is of base alone.
    #expect(
      Set(blocks) == [
        "base head head base", "head base base head", "base base base base",
      ])
  }

  @Test(arguments: [
    ("{ turn: 5 ms }", 1 as Int32), ("{ turn: 5 ms, allocations: 1 }", 1),
    ("{ turn: 5 ms, allocations: 1, bytes: 64 B }", 0),
    ("{ turn: 5 ms, allocations: 1, bytes: 63 B }", 1),
  ])
  func `an allocation more is found, and passes where it has room`(gate: String, code: Int32)
    async throws
  {
    let program = try Program()
    defer { program.remove() }
    let run = try await program.run(
      ["gate", try busy(in: program, gate: gate), "--base", Program.path, "--grow", "64B"]
        + ["--tolerate", "40%", "--detect", "80%", "-o", "r.json", "--json", "-"])
    #expect(run.code == code, "\(run.output)")
    let replayed = try await program.run(["gate", "--replay", "r.json", "--json", "-"])
    #expect(replayed.code == code)
    #expect(replayed.output == run.output)
  }

  @Test func `what is skipped is counted, and no key of an answer is missing`() async throws {
    let program = try Program()
    defer { program.remove() }
    try """
    suite: skips
    gate: { turn: 5 ms }
    sweep:
      - workload: self-test
        axes: { behaviour: busy, nanoseconds: [20000, 30000], threads: 1 }
        skip:
          - { where: { nanoseconds: 30000 }, because: "too long" }
    """.write(toFile: program.folder + "/s.yaml", atomically: true, encoding: .utf8)
    let run = try await program.run(
      ["gate", "s.yaml", "--base", Program.path, "-o", "r.json", "--json", "a.json"]
        + ["--tolerate", "40%", "--detect", "80%"])
    #expect(run.output.hasPrefix("pass: 1 case judged, 1 skipped\n"))
    #expect(run.output.contains("too long"))
    let data = try Data(contentsOf: URL(fileURLWithPath: program.folder + "/a.json"))
    let answer = try JSONSerialization.jsonObject(with: data) as? [String: Any]
    let cells = try #require(answer?["cells"] as? [[String: Any]])
    let keys = ["name", "verdict", "stage", "blocks", "change", "detectable", "reason"]
    #expect(cells.allSatisfy { cell in keys.allSatisfy { cell[$0] != nil } })
  }
}
