import Foundation
import Kernels
import Quantities
import Records
import Testing

/// Children that are killed in the middle of a case: what their ledgers said last stands in the records.
@Suite(.serialized) struct KilledChildTests {
  /// A script tries more: `Tests/Benchmarks/kill_children.py`.
  private static let kills = 30

  /// A step of training allocates in all of its phases; each is killed at another of its points, or later where the
  /// machine is busy.
  @Test func `a killed child leaves its account and a whole timeline`() async throws {
    let program = try Program()
    defer { program.remove() }
    let sizes =
      "layers=2 hidden=64 ffn=128 heads=2 kv-heads=2 head-dim=32 vocab=256 batch=1 tokens=64"
    let axes = sizes.split(separator: " ").flatMap { ["-a", String($0)] }
    async let swept = program.run(
      ["sweep", "--workload", "training-step", "-o", "run.jsonl"] + axes + [
        "--runs", "\(Self.kills)", "--budget", "60s", "--within", "0.0000001%",
      ] + Program.first)
    for number in 0..<Self.kills {
      try await Workers.killOne(under: program, afterPoints: number % 20)
    }
    let result = try await swept
    #expect(result.code == 5, "\(result.errors)")
    let records = try program.records("run.jsonl")
    #expect(records.count == Self.kills)
    for record in records {
      #expect(record.outcome.description == "crashed(SIGKILL)")
      try Self.hold(record)
    }
  }

  /// Nothing of it is torn: times go on, phases begin once, and no role holds more than its ledger saw.
  private static func hold(_ record: Record) throws {
    let memory = try #require(record.memory)
    let timeline = try #require(record.timeline)
    #expect(record.defect == nil)
    #expect(timeline.first?.phase == .operands)
    #expect(timeline.first?.seconds == 0)
    let peaks = memory.ledger.peakByRole
    for point in timeline {
      #expect(point.total <= memory.ledger.peak)
      for (role, bytes) in point.live { #expect(bytes <= peaks[role] ?? .zero, "\(role)") }
    }
  }
}
