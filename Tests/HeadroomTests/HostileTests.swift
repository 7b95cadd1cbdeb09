import Foundation
import Glibc
import Quantities
import Records
import Testing

/// What the system refuses, and what others leave behind: each is an error that names it, or is mended.
@Suite(.serialized) struct HostileTests {
  private let program: Program

  init() throws { program = try Program() }

  private static let sweep =
    ["sweep", "--workload", "self-test", "-a", "nanoseconds=20000", "--budget", "100ms"]
    + Program.last

  /// Blocks of one case that is slower by a tenth.
  private func regression() throws -> String {
    let block = #"{"base":[1],"head":[1.1]}"#
    let blocks = Array(repeating: block, count: 40).joined(separator: ",")
    return try program.write(#"{"cells":[{"name":"a","blocks":[\#(blocks)]}]}"#, to: "r.json")
  }

  private func shell(_ script: String, _ arguments: [String]) async throws -> Program.Result {
    try await program.runInShell(script, arguments)
  }

  // MARK: Output

  @Test(arguments: [
    ["list", "formats"], ["list", "--json", "-"], ["--help"], ["--version"],
    ["gate", "--replay", "r.json"], ["gate", "--replay", "r.json", "--junit", "-"],
    ["diff", "go", "go"], ["diff", "go", "go", "--markdown", "-"],
    ["export", "go", "--format", "bencher"],
  ])
  func `what standard output cannot take is no success`(arguments: [String]) async throws {
    defer { program.remove() }
    _ = try regression()
    _ = try program.write("BenchmarkA 10 100 ns/op\n", to: "go")
    let run = try await shell(#"exec "$@" > /dev/full"#, arguments)
    #expect(run.code != 0)
    #expect(run.errors.contains("standard output cannot be written: No space left on device"))
  }

  @Test func `a reader that has seen enough is no fault`() async throws {
    defer { program.remove() }
    let run = try await shell(#""$@" | head -1; exit ${PIPESTATUS[0]}"#, ["list"])
    #expect(run.code == 0)
    #expect(run.errors == "")
  }

  @Test func `results are not written over what is there, or what is read`() async throws {
    defer { program.remove() }
    let input = try regression()
    _ = try program.write("mine", to: "other.json")
    for (path, replace, words) in [
      (input, [], "would destroy it"), (input, ["--replace"], "would destroy it"),
      ("other.json", [], "the file exists"),
    ] {
      let run = try await program.run(
        ["gate", "--replay", input, "--json", path] + replace)
      #expect(run.code == 2 && run.errors.contains(words), "\(run.errors)")
    }
    #expect(try program.read("other.json") == "mine")
    let twice = try await program.run(
      ["gate", "--replay", input, "--json", "a", "--junit", "a"])
    #expect(twice.code == 2 || FileManager.default.fileExists(atPath: program.folder + "/a"))
    let replaced = try await program.run(
      ["gate", "--replay", input, "--json", "other.json", "--replace"])
    #expect(replaced.code == 1)
    #expect(try program.read("other.json").contains("regressed"))
  }

  /// Whatever it is read as: a suite, a program, what was accepted, a folder of results.
  @Test func `nothing that is read is written to`() async throws {
    defer { program.remove() }
    let suite = "suite: s\nsweep:\n  - workload: self-test\n    axes: { nanoseconds: 20000 }\n"
    _ = try program.write(suite, to: "s.yaml")
    _ = try program.write(#"{"accepted":[],"schema":"headroom.accept/1"}"#, to: "acc.json")
    let input = try regression()
    try FileManager.default.createDirectory(
      atPath: program.folder + "/fold", withIntermediateDirectories: true)
    _ = try program.write("BenchmarkA 10 100 ns/op\n", to: "fold/a")
    try FileManager.default.createSymbolicLink(
      atPath: program.folder + "/prog", withDestinationPath: Program.path)
    for arguments in [
      ["sweep", "s.yaml", "-o", "s.yaml"], ["sweep", "s.yaml", "-o", "k", "--json", "./s.yaml"],
      ["gate", "s.yaml", "--base", "prog", "-o", "s.yaml"],
      ["gate", "s.yaml", "--base", "prog", "-o", "prog"],
      ["gate", "s.yaml", "--base", "prog", "-o", "g.json", "--markdown", "s.yaml"],
      ["gate", "--replay", input, "--accept", "acc.json", "--json", "acc.json"],
      ["diff", "fold", "fold", "--json", "fold/a"], ["diff", "fold", "fold", "--json", "fold/new"],
      ["report", input, "--json", input],
    ] {
      let run = try await program.run(arguments + ["--replace"])
      #expect(
        run.code == 2 && run.errors.contains("would destroy it"), "\(arguments) \(run.errors)")
    }
    #expect(try program.read("s.yaml") == suite)
    let new = try await program.run(
      ["gate", "--replay", input, "--json", "new", "--junit", "./new", "--replace"])
    #expect(new.code == 2 && new.errors.contains("two results"))
    #expect(!program.exists("new"))
  }

  /// A stored result of a suite, whose first case regressed.
  private static func regressed(suite: String) throws -> String {
    let path = Program.root + "/Tests/ReaderTests/Seeds/gate.json"
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    var result = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    var (head, cells) = (
      result["suite"] as? [String: Any] ?? [:], result["cells"] as? [[String: Any]] ?? []
    )
    head["name"] = suite
    var judged = cells[0]["judged"] as? [String: Any] ?? [:]
    judged["verdict"] = "regressed"
    judged["regressed"] = ["time"]
    cells[0]["judged"] = judged
    result["suite"] = head
    result["cells"] = cells
    return String(decoding: try JSONSerialization.data(withJSONObject: result), as: UTF8.self)
  }

  @Test func `acceptances that are made side by side are all kept`() async throws {
    defer { program.remove() }
    let names = try (0..<4).map { index in
      try program.write(Self.regressed(suite: "s\(index)"), to: "r\(index).json")
    }
    let runner = program
    try await withThrowingTaskGroup(of: Program.Result.self) { group in
      for name in names {
        group.addTask {
          try await runner.run(
            ["accept", "--from", name, "--case", "*", "--until", "2099-01-01", "--because", "x"])
        }
      }
      for try await run in group { #expect(run.code == 0, "\(run.errors)") }
    }
    let kept = try program.read("headroom-accept.json")
    for index in 0..<4 { #expect(kept.contains("\"s\(index)\"")) }
  }

  @Test(arguments: [[], ["history"]] as [[String]])
  func `help that nobody asked for is no success`(arguments: [String]) async throws {
    defer { program.remove() }
    let run = try await program.run(arguments)
    #expect(run.code == 2 && run.output == "")
    #expect(run.errors.contains("USAGE"))
  }

  // MARK: Input

  @Test func `pipes are read`() async throws {
    defer { program.remove() }
    _ = try program.write("BenchmarkA 10 100 ns/op\r\n", to: "go")
    let run = try await shell(#"exec "$1" diff <(cat go) <(cat go)"#, [])
    #expect(run.code == 3 && run.output.contains("1 case compared"), "\(run.errors)")
    let input = try regression()
    let replayed = try await shell(
      #"cat "$2" | "$1" gate --replay /dev/stdin"#, [input])
    #expect(replayed.code == 1)
  }

  @Test(arguments: [
    ["report"], ["gate", "--replay"], ["history", "add"], ["export", "--format", "bencher"],
    ["plan"], ["diff", "go"],
  ])
  func `what cannot be read is told by one set of words`(command: [String]) async throws {
    defer { program.remove() }
    _ = try program.write("BenchmarkA 10 100 ns/op\n", to: "go")
    let utf16 =
      Data([0xFF, 0xFE]) + Data("{}".utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] })
    try utf16.write(to: URL(fileURLWithPath: program.folder + "/utf16"))
    for (path, words) in [
      ("nowhere", "there is no "), ("/", " is a folder"), ("utf16", "is UTF-16 text"),
    ] {
      // A folder of results is what other processes measured.
      if path == "/", ["diff", "export"].contains(command[0]) { continue }
      let run = try await program.run(command + [path])
      #expect(run.code == 2)
      #expect(run.errors.contains(words), "\(run.errors)")
    }
  }

  // MARK: Limits of the system

  @Test(arguments: [
    ("ulimit -n 24", "ulimit -n"), ("ulimit -n 6", "ulimit -n"), ("ulimit -v 200000", "ulimit -v"),
    ("ulimit -d 60000", "ulimit -d"), ("export TMPDIR=/proc", "children's files"),
    ("ulimit -f 0", "children's files"),
    ("trap '' XFSZ; ulimit -f 4", "children's files"),
  ])
  func `a limit of the system is an error that names it`(limit: String, words: String)
    async throws
  {
    defer { program.remove() }
    let run = try await shell(#"\#(limit); exec "$@""#, Self.sweep + ["-o", "run.jsonl"])
    #expect(run.code == 2, "\(run.errors)")
    #expect(run.errors.contains(words) && run.errors.contains("fix:"), "\(run.errors)")
    #expect(!program.exists("run.jsonl"))
  }

  /// Each child has pipes of its own.
  @Test func `cases that live together need more files, and it is said`() async throws {
    defer { program.remove() }
    let values = (0..<12).map { "\(20000 + $0)" }.joined(separator: ", ")
    _ = try program.write(
      "suite: s\nsweep:\n  - workload: self-test\n    axes: { nanoseconds: [\(values)] }\n    interleave: nanoseconds\n",
      to: "s.yaml")
    let run = try await shell(#"ulimit -n 48; exec "$@""#, ["sweep", "s.yaml", "-o", "run.jsonl"])
    #expect(run.code == 2 && run.errors.contains("13 children"), "\(run.errors)")
  }

  /// Arguments come from the loader, not from /proc.
  @Test(.enabled(if: mayUnshare, "needs a mount namespace of its own"))
  func `without proc a regression is still one`() async throws {
    defer { program.remove() }
    let input = try regression()
    let script = #"exec unshare -m sh -c 'mount -t tmpfs none /proc && exec "$@"' sh "$@""#
    #expect(try await shell(script, ["gate", "--replay", input]).code == 1)
    let swept = try await shell(script, Self.sweep + ["-o", "run.jsonl"])
    #expect(swept.code == 2 && swept.errors.contains("/proc is not there"), "\(swept.errors)")
  }

  private static let mayUnshare = geteuid() == 0 && system("unshare -m true 2> /dev/null") == 0

  /// A library that needs another one, which is not there: the loader's own reason is told.
  @Test func `a library that does not load says why`() async throws {
    defer { program.remove() }
    let made = try await shell(
      """
      echo 'void g(void) {}' > g.c && clang -shared -fPIC -o libneeded.so g.c &&
      echo 'void g(void); void f(void) { g(); }' > f.c &&
      clang -shared -fPIC -o libdnnl.so.3 f.c -L. -lneeded && rm libneeded.so
      """, [])
    #expect(made.code == 0, "\(made.errors)")
    let path = program.folder + "/libdnnl.so.3"
    let run = try await program.run(["list", "workloads"], environment: ["HEADROOM_ONEDNN": path])
    // A path may be longer than a line.
    let words = run.output.filter { !$0.isWhitespace }
    #expect(words.contains("\(path),whichcannotbeloaded:libneeded.so:cannotopen"))
  }

  // MARK: What others left

  @Test func `folders of dead owners go, and those of live ones stay`() async throws {
    defer { program.remove() }
    let (dead, live) = (
      program.folder + "/headroom-run-dead01", program.folder + "/headroom-run-live01"
    )
    for folder in [dead, live] {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }
    _ = try program.write("old", to: "headroom-run-dead01/child-1.stderr")
    let lock = try File(live, O_RDONLY | O_DIRECTORY)
    #expect(flock(lock.descriptor, LOCK_EX | LOCK_NB) == 0)
    #expect(try await program.run(Self.sweep + ["-o", "run.jsonl"]).code == 0)
    #expect(!FileManager.default.fileExists(atPath: dead))
    #expect(FileManager.default.fileExists(atPath: live))
    withExtendedLifetime(lock) {}
  }

  // MARK: One writer

  @Test func `a second writer of a run file is refused, and nothing is lost`() async throws {
    defer { program.remove() }
    let hanging =
      ["sweep", "--workload", "self-test", "-a", "behaviour=hang", "-a", "nanoseconds=20000"]
      + ["--timeout", "300s", "-o", "run.jsonl"] + Program.last
    async let swept = program.run(hanging)
    let worker = try await Workers.hanging(under: program)
    let before = try program.read("run.jsonl")
    for opening in ["--replace", "--resume"] {
      let second = try await program.run(hanging + [opening])
      #expect(second.code == 2)
      #expect(second.errors.contains("another sweep is writing the run file"), "\(second.errors)")
    }
    #expect(try program.read("run.jsonl") == before)
    kill(try #require(Workers.parent(of: worker)), SIGTERM)
    #expect(try await swept.code == 143)
  }

  @Test(arguments: [
    (["--budget", "200ms"], "budget 200 ms, not 100 ms"),
    (["--memory-limit", "3MiB"], "memory-limit 3145728 bytes, not none"),
    (["--within", "50%"], "within 50.0 %, not 1.00 %"), (["--note", "a=b"], "note a=b, not none"),
    (["--seed", "9"], "seed 9, not 1"), (["--runs", "2"], "runs 2, not 1"),
    (["--shard", "1/1"], "shard 1/1, not none"),
  ])
  func `a run is not gone on with by other options`(options: [String], words: String)
    async throws
  {
    defer { program.remove() }
    #expect(try await program.run(Self.sweep + ["-o", "run.jsonl"]).code == 0)
    let before = try program.read("run.jsonl")
    let option = options[0]
    var changed = Self.sweep
    if let place = changed.firstIndex(of: option) { changed.removeSubrange(place...(place + 1)) }
    let run = try await program.run(changed + options + ["-o", "run.jsonl", "--resume"])
    #expect(run.code == 2)
    #expect(run.errors.contains(words), "\(run.errors)")
    #expect(try program.read("run.jsonl") == before)
  }

  @Test func `an empty variable counts as not set, and a wrong name is told`() async throws {
    defer { program.remove() }
    let run = try await program.run(
      ["plan", "--workload", "self-test", "-a", "nanoseconds=20000"],
      environment: ["HEADROOM_BUDGET": "", "HEADROOM_BUGDET": "5s"])
    #expect(run.code == 0)
    #expect(run.errors.contains("HEADROOM_BUDGET is empty"))
    #expect(run.errors.contains("did you mean HEADROOM_BUDGET?"))
    let input = try regression()
    let judged = try await program.run(
      ["gate", "--replay", input, "--github"], environment: ["GITHUB_STEP_SUMMARY": ""])
    #expect(judged.code == 1)
  }

  @Test func `an acceptance that was named must be there, and a replay runs no suite`()
    async throws
  {
    defer { program.remove() }
    let input = try regression()
    let typo = try await program.run(["gate", "--replay", input, "--accept", "typo.json"])
    #expect(typo.code == 2 && typo.errors.contains("typo.json"))
    let both = try await program.run(["gate", "--replay", input, "none.yaml"])
    #expect(both.code == 2 && both.errors.contains("runs no suite"))
  }

  /// Text of a suite that would steer a terminal, or be a command in a log.
  @Test func `a plan prints no escapes and no commands`() async throws {
    defer { program.remove() }
    _ = try program.write(
      "suite: s\nsweep:\n  - workload: self-test\n    axes: { nanoseconds: 20000, variant: \"exec:sh \\e]0;t\\a x\" }\n",
      to: "s.yaml")
    let run = try await program.run(["plan", "s.yaml"])
    #expect(run.code == 0, "\(run.errors)")
    #expect(!run.output.unicodeScalars.contains { $0.isSteering && $0 != "\n" })
    _ = try program.write(
      #"{"cells":[{"name":"::error::x ##[error]y","blocks":[{"base":[1],"head":[1]}]}]}"#,
      to: "n.json")
    let judged = try await program.run(["gate", "--replay", "n.json"])
    for line in judged.output.split(separator: "\n") {
      #expect(!line.trimmingCharacters(in: .whitespaces).hasPrefix("::") && !line.contains("##["))
    }
  }
}
