import Foundation
import OrderedCollections
import Quantities
import Records
import Testing

@Suite(.serialized) struct SweepTests {
  private let program: Program

  init() throws { program = try Program() }

  private func sweep(_ behaviours: String, _ more: [String] = []) async throws -> Program.Result {
    return try await program.run(
      ["sweep", "--workload", "self-test", "-a", "behaviour=\(behaviours)", "-o", "run.jsonl"]
        + Program.quick + more)
  }

  @Test func `a sweep prints its rows and leaves a run file that reports are made of`() async throws
  {
    defer { program.remove() }
    let swept = try await sweep("busy")
    #expect(swept.code == 0)
    #expect(swept.errors == "wrote run.jsonl\n")
    let records = try program.records("run.jsonl")
    #expect(records.map(\.outcome) == [.ok])
    let timing = try #require(records[0].timing)
    #expect(!timing.blocks.isEmpty && timing.blocks.allSatisfy { !$0.samples.isEmpty })
    #expect(timing.criterionMissed != nil)

    let report = try await program.run(["report", "run.jsonl"])
    #expect(report.output == swept.output)
    let json = try await program.run(["report", "run.jsonl", "--json", "-"])
    let parsed = try #require(
      try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
    #expect(parsed["schema"] as? String == "headroom.report/1")
    let cases = try #require(parsed["cases"] as? [[String: Any]])
    for key in [
      "id", "axes", "variant", "threads", "outcome", "latency", "throughput", "ceiling", "clock",
      "counters", "memory", "error", "versus", "repro",
    ] { #expect(cases[0][key] != nil, "\(key)") }
    let made = try await program.run(["report", "run.jsonl", "--markdown", "m", "--csv", "c"])
    #expect(made.code == 0)
    #expect(try program.read("m").contains("self-test"))
    #expect(try program.read("c").split(whereSeparator: \.isNewline).count == 2)
  }

  @Test(
    arguments: [
      ("wrong", "failed-check", nil), ("unwritten", "failed-check", nil),
      ("abort", "crashed", "SIGABRT"), ("exit", "crashed", "exit 3"), ("hang", "timed-out", nil),
    ] as [(String, String, String?)])
  func `what goes wrong is a record, and the sweep goes on`(
    behaviour: String, outcome: String, kind: String?
  ) async throws {
    defer { program.remove() }
    // Long enough for what ends by itself, however loaded the machine is.
    let timeout = behaviour == "hang" ? "10s" : "300s"
    let swept = try await sweep("\(behaviour),busy", ["--timeout", timeout])
    #expect(swept.code == 5)
    let records = try program.records("run.jsonl")
    let failed = try #require(records.first { $0.case.axes["behaviour"]?.text == behaviour })
    #expect(failed.outcome.name == outcome && failed.outcome.kind == kind)
    #expect(failed.timing == nil)
    #expect(records.contains { $0.outcome == .ok })
    if outcome == "failed-check" { #expect(failed.check?.passed == false) }
  }

  @Test func `memory taken behind the ledger's back meets the system's limit`() async throws {
    defer { program.remove() }
    let swept = try await sweep("greedy,busy", ["--memory-limit", "64MiB"])
    #expect(swept.code == 5)
    let failed = try #require(try program.records("run.jsonl").first { $0.outcome != .ok })
    #expect(failed.outcome.name == "out-of-memory" && failed.outcome.kind == "limit")
  }

  @Test func `an allocation over the budget is refused, and the record says what was live`()
    async throws
  {
    defer { program.remove() }
    let swept = try await program.run(
      [
        "sweep", "--workload", "matmul", "-a", "m=1", "-a", "n=64,8192", "-a", "k=8192",
        "--memory-limit", "64MiB", "--budget", "100ms", "-o", "run.jsonl",
      ] + Program.first)
    #expect(swept.code == 5)
    let records = try program.records("run.jsonl")
    let failed = try #require(records.first { $0.outcome != .ok })
    #expect(failed.case.axes["n"]?.number == 8192)
    #expect(failed.outcome.name == "out-of-memory" && failed.outcome.kind == "budget")
    let memory = try #require(failed.memory)
    #expect(memory.refused?.role == .weights && memory.refused?.bytes == .mebibytes(256))
    // The activations a: 1 × 8192 in fp32.
    #expect(memory.live == [.activations: .kibibytes(32)])
    #expect(records.contains { $0.outcome == .ok })
  }

  @Test func `a child that is killed is a crash with the ledger's last state`() async throws {
    defer { program.remove() }
    // The case hangs in its check, with its operands in the ledger; its worker is the one that
    // has a ledger open.
    async let swept = sweep("hang,busy", ["--timeout", "300s"])
    let worker = try await Workers.hanging(under: program)
    kill(worker, SIGKILL)
    #expect(try await swept.code == 5)
    let failed = try #require(try program.records("run.jsonl").first { $0.outcome != .ok })
    #expect(failed.outcome.description == "crashed(SIGKILL)")
    #expect(failed.memory?.live == [.activations: Bytes(4)])
    #expect(failed.memory?.phase == .preparation)
  }

  @Test func `runs, notes and the environment stand in the file`() async throws {
    defer { program.remove() }
    let swept = try await program.run(
      [
        "sweep", "--workload", "self-test", "-a", "nanoseconds=20000", "-a", "threads=all",
        "-o", "run.jsonl", "--runs", "2", "--note", "ticket=a=b",
      ] + Program.first, environment: ["HEADROOM_BUDGET": "100ms"])
    #expect(swept.code == 0)
    let run = try RunFile.read(program.folder + "/run.jsonl")
    #expect(run.records.map(\.run) == [0, 1])
    #expect(run.records.map(\.threads) == [1, 1])
    #expect(run.header.notes == ["ticket": "a=b"])
    #expect(run.header.environment["HEADROOM_BUDGET"] == "100ms")
    #expect(run.records.allSatisfy { $0.timing?.criterionMissed != nil })
  }

  @Test func `interleaved cases are sampled in the same rounds`() async throws {
    defer { program.remove() }
    let suite = try program.write(
      """
      suite: turns
      measure: { budget: 2 s }
      sweep:
        - workload: self-test
          axes: { nanoseconds: [20000, 40000], threads: 1 }
          interleave: nanoseconds
      """, to: "turns.yaml")
    #expect(try await program.run(["sweep", suite] + Program.first).code == 0)
    let records = try program.records("reports/turns.jsonl")
    let rounds = records.map { $0.timing?.blocks.map(\.round) ?? [] }
    #expect(records.count == 2 && records[0].group != nil && records[0].group == records[1].group)
    #expect(rounds[0].starts(with: [0, 1]) && rounds[1].starts(with: [0, 1]))
  }

  @Test func `shards add up to the plan`() async throws {
    defer { program.remove() }
    let more = ["-a", "nanoseconds=20000,30000,40000", "-a", "threads=1", "--json", "-"]
    var ids: [String] = []
    for shard in ["1/2", "2/2"] {
      let plan = try await program.run(
        ["plan", "--workload", "self-test", "--shard", shard] + more)
      let json = try #require(
        try JSONSerialization.jsonObject(with: Data(plan.output.utf8)) as? [String: Any])
      ids += (json["cases"] as? [[String: Any]] ?? []).compactMap { $0["id"] as? String }
    }
    #expect(Set(ids).count == 3 && ids.count == 3)
    #expect(!program.exists("reports"))
  }

  @Test func `a sweep of nothing but skips measured nothing`() async throws {
    defer { program.remove() }
    let suite = try program.write(
      """
      suite: none
      sweep:
        - workload: self-test
          axes: { nanoseconds: 1000 }
          skip: [{ where: { nanoseconds: 1000 }, because: not today }]
      """, to: "none.yaml")
    let swept = try await program.run(["sweep", suite] + Program.first)
    #expect(swept.code == 6)
    #expect(swept.output.contains("skipped: self-test: not today"))
  }
}
