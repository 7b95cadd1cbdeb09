import Foundation
import OrderedCollections
import Records
import Testing

/// A variant that is a command: a shell script that answers as a worker does.
@Suite(.serialized) struct CommandVariantTests {
  private let program: Program

  init() throws { program = try Program() }

  private static let hello =
    #"{"protocol":1,"schema":"headroom.run/1","process":1,"anonymous":{"unavailable":"no"}}"#
  private static let prepared =
    #"{"prepared":{"_0":{"preparation":{"seconds":0,"bytes":0},"#
    + #""warm_up":{"windows":[0.00005],"cut":0,"steady":true},"clock_cost":0.00000002,"#
    + #""calls":10,"rotation":1,"library":"a script, version 7"}}}"#

  /// Its samples are ten calls of 50 µs each, whatever the clock says.
  private static let worker = """
    echo '\(hello)'
    while read -r line; do
      case "$line" in
        *prepare*) echo '\(prepared)' ;;
        *sample*) echo '{"block":{"samples":[0.0005,0.0005,0.0005]}}' ;;
        *finish*) echo '{"finished":{"_0":{"counters":{}}}}'; exit 0 ;;
      esac
    done
    """

  private func sweep(_ command: String) async throws -> Program.Result {
    try await program.run(
      [
        "sweep", "--workload", "self-test", "-a", "nanoseconds=20000",
        "-a", "variant=best,exec:\(command)", "--budget", "300ms", "-o", "run.jsonl",
      ] + Program.last)
  }

  private func command() throws -> Record {
    try #require(
      program.records("run.jsonl").first {
        $0.case.axes["variant"]?.text.hasPrefix("exec:") == true
      })
  }

  @Test func `a script takes part, and is named by its own words`() async throws {
    defer { program.remove() }
    _ = try program.write(Self.worker, to: "a worker.sh")
    let swept = try await sweep("sh 'a worker.sh'")
    #expect(swept.code == 0, "\(swept.errors)")
    let record = try command()
    #expect(record.library == "a script, version 7")
    #expect(record.check == nil)
    #expect(record.timing?.blocks.first?.perCall == [0.00005, 0.00005, 0.00005])
  }

  @Test(arguments: [
    ("", "before it said hello"),
    ("exit 3", "before it said hello"),
    ("echo hi", "none of the protocol's: hi"),
    ("echo '\(hello)' | sed s/:1/:99/; cat", "speaks protocol 99"),
    ("echo '\(hello)'; read -r line; echo soon; cat", "none of the protocol's: soon"),
  ])
  func `a command that does not answer as a worker fails alone`(script: String, words: String)
    async throws
  {
    defer { program.remove() }
    let name = script.isEmpty ? "nowhere.sh" : try program.write(script, to: "bad.sh")
    let swept = try await sweep("sh \(name)")
    #expect(swept.code == 5)
    let record = try command()
    #expect(record.outcome.name == "crashed")
    #expect(record.outcome.reason?.contains(words) == true, "\(record.outcome)")
    let others = try program.records("run.jsonl").filter { $0.outcome == .ok }
    #expect(others.count == 1)
  }

  /// One answer of many that cannot be, and what is said of it; the other variant is measured.
  @Test(arguments: [
    (#"s/"calls":10/"calls":0/"#, "a sample is of 0 calls"),
    (#"s/"calls":10/"calls":9223372036854775807/"#, "none of the protocol's"),
    (#"s/"cut":0/"cut":99/"#, "cut at window 99"),
    (#"s/"windows":[[][^]]*[]]/"windows":[]/"#, "no windows"),
    (#"s/"rotation":1/"rotation":-1/"#, "-1 copies"),
    (#"s/"samples":[[][^]]*[]]/"samples":[]/"#, "a block has no samples"),
    (#"s/"samples":[[][^]]*[]]/"samples":[0.0]/"#, "a sample took 0.0 s"),
    (#"s/"samples":[[][^]]*[]]/"samples":[-1]/"#, "a sample took -1.0 s"),
    (#"s/"samples":[[][^]]*[]]/"samples":[1e308]/"#, "a sample took 1e+308 s"),
    (#"s/.*"prepared".*/{"failed":{"outcome":{"name":"ok"}}}/"#, "its outcome is ok"),
    (#"s/.*"prepared".*/{"block":{"samples":[1]}}/"#, "what it was not asked for"),
  ])
  func `an answer that cannot be fails its case alone`(change: String, words: String)
    async throws
  {
    defer { program.remove() }
    _ = try program.write(Self.worker, to: "worker.sh")
    _ = try program.write("sh worker.sh | sed -u '\(change)'", to: "bad.sh")
    let swept = try await sweep("sh bad.sh")
    #expect(swept.code == 5, "\(swept.errors)")
    let record = try command()
    #expect(record.outcome.name == "crashed")
    #expect(record.outcome.reason?.contains(words) == true, "\(record.outcome)")
    #expect(try program.records("run.jsonl").count { $0.outcome == .ok } == 1)
  }

  @Test func `a worker that says nothing is ended by the time-out`() async throws {
    defer { program.remove() }
    _ = try program.write("exec sleep 1009", to: "silent.sh")
    let swept = try await program.run(
      [
        "sweep", "--workload", "self-test", "-a", "nanoseconds=20000",
        "-a", "variant=exec:sh silent.sh", "--timeout", "1s", "-o", "run.jsonl",
      ] + Program.last)
    #expect(swept.code == 5)
    #expect(try command().outcome == .timedOut(reason: "no hello within 1.00 s"))
  }

  @Test(arguments: ["false,\"relative\":1", "true,\"relative\":1e308"])
  func `a check that failed fails the case`(check: String) async throws {
    defer { program.remove() }
    _ = try program.write(Self.worker, to: "worker.sh")
    let given =
      #"s/"rotation":1/"rotation":1,"check":{"passed":\#(check),"tolerance":0,"basis":"b","sampling":"s","worst":"w"}/"#
    _ = try program.write("sh worker.sh | sed -u '\(given)'", to: "bad.sh")
    #expect(try await sweep("sh bad.sh").code == 5)
    #expect(try command().outcome.name == "failed-check")
  }

  /// Whether the parent has written down which group it started.
  private var isNoted: Bool {
    let files = FileManager.default.subpaths(atPath: program.folder) ?? []
    return files.contains { $0.hasSuffix(".group") }
  }

  /// It does not read, and so does not see that its parent is gone.
  @Test func `a worker that a killed parent left is ended by the next start`() async throws {
    defer { program.remove() }
    _ = try program.write("echo '\(Self.hello)'; exec sleep 1009", to: "worker.sh")
    async let swept = sweep("sh worker.sh")
    var left: [pid_t] = []
    while left.isEmpty || !isNoted {
      left = try Workers.sleeping(in: program.folder)
      await Task.yield()
    }
    kill(try #require(Workers.parent(of: left[0])), SIGKILL)
    #expect(try await swept.code == nil)
    #expect(try Workers.sleeping(in: program.folder) == left)
    let next = try await program.run(
      ["sweep", "--workload", "self-test", "-a", "nanoseconds=20000", "-o", "next.jsonl"]
        + ["--budget", "50ms"] + Program.last)
    #expect(next.code == 0, "\(next.errors)")
    #expect(try Workers.sleeping(in: program.folder).isEmpty)
  }

  /// What it started is gone with it, however it ended.
  @Test(arguments: ["finish", "sample"])
  func `a worker's whole group goes with it`(when: String) async throws {
    defer { program.remove() }
    _ = try program.write(
      Self.worker.replacing("*\(when)*)", with: "*\(when)*) sleep 1009 < /dev/null & "),
      to: "worker.sh")
    #expect(try await sweep("sh worker.sh").code == 0)
    #expect(try Workers.sleeping(in: program.folder).isEmpty)
  }
}
