import Foundation
import Quantities
import Records
import Testing

/// Runs in which cases ran out of memory, diagnosed and mended by the program as a user runs it.
@Suite(.serialized) struct DiagnoseRunTests {
  private let program: Program

  init() throws { program = try Program() }

  /// Weights, gradients and states take 3 MiB; the rows of one sequence fit beside them, those of eight do not.
  private static let suite = """
    suite: tiny
    measure: { budget: 50 ms, memory-limit: 6 MiB }
    sweep:
      - workload: training-step
        axes:
          layers: 4
          hidden: 64
          ffn: 128
          heads: 4
          kv-heads: 2
          head-dim: 16
          vocab: 256
          batch: [1, 8]
          tokens: 64
    """
  private static let limit = 6 << 20

  @discardableResult
  private func sweep(_ options: [String] = []) async throws -> Program.Result {
    let result = try await program.run(
      ["sweep", program.write(Self.suite, to: "tiny.yaml"), "-o", "run.jsonl"] + options
        + Program.last)
    #expect(result.code == 5, "\(result.errors)")
    return result
  }

  private func diagnosis(_ options: [String] = []) async throws -> [[String: Any]] {
    let result = try await program.run(["diagnose", "run.jsonl", "--json", "-"] + options)
    #expect(result.code == 0, "\(result.errors)")
    let json = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
    #expect(json?["schema"] as? String == "headroom.diagnosis/1")
    return try #require(json?["cases"] as? [[String: Any]])
  }

  @Test func `a refused allocation is named with its phase, what was live, and changes that fit`()
    async throws
  {
    defer { program.remove() }
    try await sweep()
    let failed = try #require(
      program.records("run.jsonl").first { $0.outcome.name == "out-of-memory" })
    let cases = try await diagnosis()
    #expect(cases.count == 1)
    let one = try #require(cases.first)
    #expect(one["id"] as? String == failed.case.id && failed.case.id.contains("batch=8"))
    #expect(one["kind"] as? String == "budget")
    #expect(one["limit_bytes"] as? Int == Self.limit)
    let refused = try #require(one["refused"] as? [String: Any])
    let live = try #require(one["live"] as? [String: Int]).values.reduce(0, +)
    let bytes = try #require(refused["bytes"] as? Int)
    #expect(live <= Self.limit && live + bytes > Self.limit)
    #expect(refused["phase"] as? String == one["phase"] as? String)
    try check(one["fit"], of: failed)

    let text = try await program.run(["diagnose", "run.jsonl"])
    #expect(text.code == 0)
    let role = try #require(failed.memory?.refused).role.label
    for words in [
      "refused before it", "\(Bytes(bytes)) of \(role), in phase", "what was live then",
      "It does not fit 6.00 MiB", "changes that make it fit", "headroom sweep --workload",
    ] { #expect(text.output.contains(words), "\(text.output)") }
  }

  /// What is planned afterwards is what was predicted before: of the threads that the run had.
  private func check(_ json: Any?, of failed: Record) throws {
    let fit = try #require(json as? [String: Any])
    #expect(failed.threads == 1)
    #expect(fit["bytes"] as? Int == failed.predicted?.peak.count)
    let mends = try #require(fit["mends"] as? [[String: Any]])
    #expect(!mends.isEmpty)
    for mend in mends {
      let bytes = try #require(mend["bytes"] as? Int)
      #expect(bytes <= Self.limit && mend["command"] is String)
    }
  }

  @Test func `a case is meant by a part of its id, and changes by their names`() async throws {
    defer { program.remove() }
    try await sweep()
    #expect(try await diagnosis(["--case", "batch=8"]).count == 1)
    let only = try await diagnosis(["--allow", "accumulation"])
    let fit = try #require(only.first?["fit"] as? [String: Any])
    let mends = try #require(fit["mends"] as? [[String: Any]])
    #expect(!mends.isEmpty)
    #expect(mends.allSatisfy { ($0["words"] as? String)?.contains("accumulation") == true })
    for (options, words) in [
      (["--case", "batch=1,"], "no case with 'batch=1,' in its id ran out of memory"),
      (["--case", "nothing"], "no case with 'nothing' in its id ran out of memory"),
      (["--allow", "acumulation"], "did you mean 'accumulation'?"),
      (["--", "true"], "a run file and a command exclude each other"),
    ] {
      let result = try await program.run(["diagnose", "run.jsonl"] + options)
      #expect(result.code == 2 && result.output == "")
      #expect(result.errors.contains(words) && result.errors.contains("fix:"), "\(result.errors)")
    }
  }

  @Test func `the changes of a case are tried until one fits, and take what was predicted`()
    async throws
  {
    defer { program.remove() }
    let swept = try await sweep(["--auto-mend"])
    let records = try program.records("run.jsonl")
    let failed = try #require(records.first { $0.outcome.name == "out-of-memory" })
    let tries = records.filter { $0.mended != nil }
    #expect(tries.allSatisfy { $0.mended?.from == failed.case.id })
    #expect(tries.map { $0.mended?.attempt } == (1...max(1, tries.count)).map { $0 })
    let last = try #require(tries.last)
    #expect(last.outcome == .ok)
    #expect(tries.dropLast().allSatisfy { $0.outcome != .ok })
    let peak = try #require(last.memory?.ledger.peak)
    #expect(last.mended?.predicted == peak && last.predicted?.peak == peak)
    #expect(peak.count <= Self.limit)
    let words = try #require(last.mended?.words)
    #expect(swept.output.contains("Tried in the place of what ran out of memory"))
    let shown = swept.output.replacing("\n", with: " ")
    #expect(shown.contains("\(words): fits, \(peak) as predicted"), "\(swept.output)")

    let count = records.count
    try await sweep(["--auto-mend", "--resume"])
    #expect(try program.records("run.jsonl").count == count)
  }

  @Test func `a run in which all went well is said to be so`() async throws {
    defer { program.remove() }
    let swept = try await program.run(
      ["sweep", "--workload", "self-test", "-o", "run.jsonl"] + Program.quick)
    #expect(swept.code == 0, "\(swept.errors)")
    #expect(try await diagnosis().isEmpty)
    let text = try await program.run(["diagnose", "run.jsonl"])
    #expect(text.code == 0 && text.output.contains("No case ran out of memory."))
    let other = try program.read("run.jsonl").replacing(
      "\"schema\":\"\(Schema.run)\"", with: "\"schema\":\"headroom.run/99\"")
    _ = try program.write(other, to: "other.jsonl")
    let refused = try await program.run(["diagnose", "other.jsonl"])
    #expect(refused.code == 2, "\(refused.errors)")
    #expect(refused.errors.contains("headroom.run/99"), "\(refused.errors)")
  }

  @Test(arguments: [
    ("nothing\n", "run.jsonl"), ("", "run.jsonl"), ("{}\n", "run.jsonl"),
  ])
  func `a file that is no run is told so and exits 2`(text: String, words: String) async throws {
    defer { program.remove() }
    let result = try await program.run(["diagnose", program.write(text, to: "run.jsonl")])
    #expect(result.code == 2 && result.output == "")
    #expect(result.errors.contains(words) && result.errors.contains("fix:"), "\(result.errors)")
  }
}
