import Foundation
import Quantities
import Records
import Testing

/// Ends that come from outside, or in the middle.
@Suite(.serialized) struct EndingTests {
  private let program: Program

  init() throws { program = try Program() }

  private func sweep(_ behaviours: String, _ more: [String]) async throws -> Program.Result {
    try await program.run(
      ["sweep", "--workload", "self-test", "-a", "behaviour=\(behaviours)", "-o", "run.jsonl"]
        + Program.last + more)
  }

  private static let brief = ["--budget", "100ms", "-a", "nanoseconds=20000"]

  /// A crash is no want of memory for having a budget that the program itself is larger than.
  @Test func `an abort under a small budget is a crash`() async throws {
    defer { program.remove() }
    let swept = try await sweep("abort", Self.brief + ["--memory-limit", "1MiB"])
    #expect(swept.code == 5)
    #expect(try program.records("run.jsonl").map(\.outcome.description) == ["crashed(SIGABRT)"])
  }

  /// Calls of 1 ms abort after 2000; the warm-up takes a part of them, and the interval that is
  /// asked for is never reached.
  @Test func `a crash while sampling keeps the blocks before it`() async throws {
    defer { program.remove() }
    let swept = try await sweep(
      "late", ["-a", "nanoseconds=1000000", "--budget", "60s", "--within", "0.0000001%"])
    #expect(swept.code == 5)
    let record = try #require(try program.records("run.jsonl").first)
    #expect(record.outcome == .crashed(signal: "SIGABRT", reason: "SIGABRT while sampling"))
    #expect(record.timing?.blocks.isEmpty == false)
    #expect(record.check?.passed == true)
    #expect(record.memory?.phase == .run && record.memory?.live == [.activations: Bytes(4)])
    let report = try await program.run(["report", "run.jsonl"])
    #expect(report.output.contains("crashed(SIGABRT): SIGABRT while sampling"))
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
  func `an interrupted sweep ends its children and can be gone on with`(signal: Int32)
    async throws
  {
    defer { program.remove() }
    async let swept = sweep("hang", Self.brief + ["--timeout", "300s"])
    let hanging = try await Workers.hanging(under: program)
    let parent = try #require(Workers.parent(of: hanging))
    kill(parent, signal)
    let result = try await swept
    #expect(result.code == 128 + signal)
    #expect(result.errors.contains("go on with --resume"))
    try await Workers.gone(from: program)
    // Nothing but the run file, which holds its header.
    #expect(try FileManager.default.contentsOfDirectory(atPath: program.folder) == ["run.jsonl"])
    #expect(try program.records("run.jsonl").isEmpty)
  }

  /// A child that has not said hello yet ends for the interruption, and has no fault of its own.
  @Test func `a sweep is interrupted while a child starts`() async throws {
    defer { program.remove() }
    async let swept = program.run(
      [
        "sweep", "--workload", "matmul", "-a", "m=1", "-a", "n=8", "-a", "k=8", "-a",
        "variant=exec:sh -c 'read line' worker", "-o", "run.jsonl",
      ] + Program.last)
    // The other one probes the machine.
    let silent = try await Workers.some(under: program) {
      Workers.all(startedIn: program.folder).count == 2
    }
    kill(try #require(Workers.parent(of: silent)), SIGINT)
    let result = try await swept
    #expect(result.code == 130)
    #expect(result.errors.contains("go on with --resume"))
    try await Workers.gone(from: program)
    #expect(try program.records("run.jsonl").isEmpty)
  }
}
