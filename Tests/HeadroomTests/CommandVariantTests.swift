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
}
