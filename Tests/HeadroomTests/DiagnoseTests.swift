import Foundation
import Glibc
import Testing

/// Any program's memory, by the program as a user runs it.
@Suite(.serialized) struct DiagnoseTests {
  private let program: Program

  init() throws { program = try Program() }

  /// Without a shell between, as wrappers of several Pythons are.
  private static let python: String? = ["/usr/bin/python3", "/usr/local/bin/python3"].first {
    access($0, X_OK) == 0
  }
  private static let hasPython = Comment("there is no python3 in /usr/bin or /usr/local/bin")

  /// The document for scripts, with what the program left with.
  private func diagnose(_ options: [String], _ command: [String]) async throws -> (
    code: Int32?, json: [String: Any], result: Program.Result
  ) {
    let ran = try await program.run(
      ["diagnose", "--json", "d.json", "--replace"] + options + ["--"] + command)
    let data = Data(try program.read("d.json").utf8)
    let json = try JSONSerialization.jsonObject(with: data) as? [String: Any]
    return (ran.code, try #require(json, "\(ran.errors)"), ran)
  }

  /// Returns once there are so many.
  private func sleepers(are count: Int) async throws {
    for _ in 0..<20_000 {
      if try Workers.sleeping(in: program.folder).count == count { return }
      try await Task.sleep(for: .milliseconds(1))
    }
    Issue.record("there are not \(count) programs called sleep")
  }

  private func section(_ name: String, of json: [String: Any]) throws -> [String: Any] {
    try #require(json[name] as? [String: Any], "\(name) of \(json)")
  }

  @Test(.enabled(if: python != nil, hasPython))
  func `200 MiB of a program are its anonymous peak, and its profile names who asked for them`()
    async throws
  {
    defer { program.remove() }
    let python = try #require(Self.python)
    let (code, json, _) = try await diagnose(
      [], [python, "-c", "x = bytearray(200<<20)"])
    #expect(code == 0)
    let memory = try section("memory", of: json)
    let anonymous = try #require(memory["anonymous_peak_bytes"] as? Int)
    #expect(anonymous >= 200 << 20 && anonymous < 300 << 20)
    #expect(try section("verdict", of: json)["name"] as? String == "ended-well")
    // 200 MiB and a byte in one object, with little else beside it.
    let sites = try section("heap", of: json)["sites"] as? [[String: Any]]
    let largest = try #require(sites?.first?["bytes"] as? Int)
    #expect(abs(largest - 200 << 20) < 2 << 20)
  }

  /// A control group kills it, and a data limit refuses what it asks for: either is said to be ours.
  @Test(.enabled(if: python != nil, hasPython))
  func `a program that wants more than its limit is said to die of it`() async throws {
    defer { program.remove() }
    let python = try #require(Self.python)
    let (code, json, _) = try await diagnose(
      ["--memory-limit", "64MiB"], [python, "-c", "x = bytearray(200<<20)"])
    #expect(code == 5)
    let verdict = try section("verdict", of: json)
    let name = try #require(verdict["name"] as? String)
    #expect(["our-limit", "refused-allocation"].contains(name))
    let words = try #require(verdict["words"] as? String)
    #expect(words.contains("our limit of 64.0 MiB"), "\(words)")
  }

  @Test(.enabled(if: python != nil, hasPython))
  func `a refused allocation is told by what the program wrote, which passes through`()
    async throws
  {
    defer { program.remove() }
    let python = try #require(Self.python)
    let (code, json, result) = try await diagnose(
      ["--no-heap"],
      ["sh", "-c", "ulimit -v 500000; echo out; exec \(python) -c 'bytearray(1<<30)'"])
    #expect(code == 5)
    #expect(result.output.hasPrefix("out\n"))
    #expect(result.errors.contains("MemoryError"))
    let verdict = try section("verdict", of: json)
    #expect(verdict["name"] as? String == "refused-allocation")
    #expect((verdict["complaints"] as? [String])?.contains("MemoryError") == true)
  }

  @Test(arguments: [("exit 3", 3), ("exit 0", 0)])
  func `a program that leaves by itself is not said to lack memory`(script: String, left: Int)
    async throws
  {
    defer { program.remove() }
    let (code, json, result) = try await diagnose([], ["sh", "-c", script])
    #expect(code == (left == 0 ? 0 : 5))
    #expect(try section("ending", of: json)["exit_code"] as? Int == left)
    let name = try section("verdict", of: json)["name"] as? String
    #expect(name == (left == 0 ? "ended-well" : "not-memory"))
    #expect(result.output.contains("Nothing recorded says"))
  }

  @Test func `all processes of a program are counted, and one beside its group goes with it`()
    async throws
  {
    defer { program.remove() }
    let (code, json, _) = try await diagnose(
      ["--no-heap", "--every", "10ms"], ["sh", "-c", "sleep 60 & sleep 61 & sleep 0.4"])
    #expect(code == 0)
    #expect(try section("memory", of: json)["processes"] as? Int == 4)
    try await sleepers(are: 0)
  }

  @Test func `a program that takes too long is ended`() async throws {
    defer { program.remove() }
    let (code, json, _) = try await diagnose(["--timeout", "200ms"], ["sleep", "60"])
    #expect(code == 5)
    #expect(try section("verdict", of: json)["name"] as? String == "timed-out")
  }

  @Test func `what a program reads, and a result on standard output, go their ways`() async throws {
    defer { program.remove() }
    let result = try await program.runInShell(
      "echo in | \"$1\" diagnose --no-heap --json - -- cat", [])
    #expect(result.code == 0)
    #expect(result.output.hasPrefix("{") && result.errors == "in\n")
    let table = try await program.runInShell("echo in | \"$1\" diagnose --no-heap -- cat", [])
    #expect(table.output.hasPrefix("in\ncat: it ended well"))
  }

  @Test(arguments: [
    (["diagnose"], "there is no program to diagnose"),
    (["diagnose", "--", "no-such-program-here"], "there is no program 'no-such-program-here'"),
    (["diagnose", "--", "./nothing"], "there is no such file"),
    (["diagnose", "--", "/tmp"], "this is a folder"),
    (["diagnose", "--", "/etc/passwd"], "may not be executed"),
    (["diagnose", "--memory-limit", "much", "--", "true"], "'much' cannot be taken"),
    (["diagnose", "--every", "0", "--", "true"], "'0' cannot be taken"),
    (["diagnose", "--heap-profiler", "/no/lib.so", "--", "true"], "/no/lib.so"),
    (["diagnose", "--heap-profiler", "/a.so", "--no-heap", "--", "true"], "exclude each other"),
    (["diagnose", "true"], "true"),
  ])
  func `a command that cannot be run is told so and exits 2`(arguments: [String], words: String)
    async throws
  {
    defer { program.remove() }
    let result = try await program.run(arguments)
    #expect(result.code == 2)
    #expect(result.errors.contains(words), "\(result.errors)")
    #expect(result.output == "")
    #expect(try FileManager.default.contentsOfDirectory(atPath: program.folder) == [])
  }

  @Test func `a file that is no program is told so and exits 2`() async throws {
    defer { program.remove() }
    let name = try program.write("nothing\n", to: "file")
    chmod(program.folder + "/" + name, 0o755)
    let result = try await program.run(["diagnose", "--", "./file"])
    #expect(result.code == 2)
    #expect(result.errors.contains("is no program that this machine can run"))
    #expect(result.errors.contains("headroom diagnose -- sh ./file"))
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
  func `an interrupted diagnosis ends its program and leaves nothing`(signal: Int32) async throws {
    defer { program.remove() }
    async let diagnosed = program.run(["diagnose", "--", "sleep", "60"])
    try await sleepers(are: 1)
    let sleeping = try #require(try Workers.sleeping(in: program.folder).first)
    kill(try #require(Workers.parent(of: sleeping)), signal)
    let result = try await diagnosed
    #expect(result.code == 128 + signal)
    try await sleepers(are: 0)
    #expect(try FileManager.default.contentsOfDirectory(atPath: program.folder) == [])
  }
}
