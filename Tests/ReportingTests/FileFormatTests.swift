import Foundation
import Quantities
import Records
import Reporting
import Testing

@Suite struct FileFormatTests {
  private static let sections = [
    "axes", "preparation", "latency", "throughput", "ceiling", "clock", "counters", "memory",
    "error", "versus",
  ]

  private static func json(_ records: Record...) throws -> [String: Any] {
    let data = try JSONReport.data(Report(run: Fixture.run(records)))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  private static func firstCase(_ record: Record) throws -> [String: Any] {
    try #require((try json(record)["cases"] as? [[String: Any]])?.first)
  }

  @Test func `JSON names its schema, and what the cases share`() throws {
    let json = try Self.json(Fixture.record())
    #expect(json["schema"] as? String == "headroom.report/1")
    #expect((json["suite"] as? [String: Any])?["name"] as? String == "decode")
    let machine = try #require(json["machine"] as? [String: Any])
    #expect(machine["visible_cores"] as? Int == 8)
    #expect((machine["ceilings"] as? [String: Any])?["clock_cost"] as? Double == 25e-9)
    let build = try #require(json["build"] as? [String: Any])
    #expect(build["commit"] is NSNull)
    #expect(build["commit_unavailable"] as? String == "not built inside a git checkout")
  }

  @Test(arguments: [Outcome.ok, .skipped(reason: "no bf16 here")])
  func `JSON sections are objects whatever the outcome`(outcome: Outcome) throws {
    let report = try Self.firstCase(Fixture.record(outcome: outcome))
    for section in Self.sections { #expect(report[section] is [String: Any], "\(section)") }
    #expect(report["outcome"] as? String == outcome.name)
    #expect(report["reason"] as? String == outcome.reason)
  }

  @Test(arguments: [
    ("latency", "median"), ("latency", "low"), ("throughput", "flops_per_second"),
    ("ceiling", "share"), ("clock", "moved"), ("memory", "peak_bytes"), ("error", "relative"),
    ("versus", "ratio"), ("preparation", "seconds"), ("memory", "harness_bytes"),
  ])
  func `what could not be had is null beside the reason`(section: String, name: String) throws {
    let report = try Self.firstCase(Fixture.record(outcome: .skipped(reason: "no bf16 here")))
    let object = try #require(report[section] as? [String: Any])
    #expect(object[name] is NSNull)
    #expect(object["\(name)_unavailable"] is String)
  }

  @Test func `JSON figures are in base units`() throws {
    let report = try Self.firstCase(Fixture.record())
    let axes = try #require(report["axes"] as? [String: Any])
    #expect(axes["n"] as? Int == 4096)
    #expect(axes["variant"] as? String == "best")
    #expect(report["requested_variant"] as? String == "best")
    #expect(report["variant"] as? String == "packed-512")
    let memory = try #require(report["memory"] as? [String: Any])
    #expect(memory["peak_bytes"] as? Int == 68 << 20)
    #expect((memory["by_role"] as? [String: Int])?["kv_cache"] == 0)
    #expect((memory["by_role"] as? [String: Int])?["workspace"] == 3 << 20)
    #expect(memory["harness_bytes_unavailable"] as? String == "smaps is not readable")
    #expect(near((report["latency"] as? [String: Any])?["median"] as? Double, 2e-3))
    #expect(report["kind"] is NSNull)
    #expect(report["kind_unavailable"] == nil)
  }

  @Test func `counters keep their names`() throws {
    var record = Fixture.record()
    record.counters = ["L1-misses": .measured(12), "cycles": .unavailable("not supported")]
    let counters = try #require(
      try Self.firstCase(record)["counters"] as? [String: Any])
    #expect(counters["L1-misses"] as? Double == 12)
    #expect(counters["cycles_unavailable"] as? String == "not supported")
  }

  @Test func `CSV has a line for each case and a column for each name`() throws {
    let records = ["1", "2"].map { Fixture.record(Fixture.matmul(["n": $0, "threads": "all"])) }
    let text = CSVReport.text(Report(run: Fixture.run(records)))
    let lines = text.split(separator: "\r\n").map { String($0) }
    #expect(lines.count == 3)
    let names = lines[0].split(separator: ",").map(String.init)
    let skipped = Fixture.record(outcome: .skipped(reason: "no bf16 here"))
    let other = CSVReport.text(Report(run: Fixture.run([skipped])))
    #expect(other.split(separator: "\r\n")[0].split(separator: ",").count == names.count + 2)
    #expect(names.starts(with: ["id", "workload", "n", "threads", "requested_variant"]))
    #expect(Set(names).count == names.count)
    for name in [
      "resolved_threads", "latency_median_seconds", "throughput_flops_per_second",
      "ceiling_share", "memory_by_role_weights", "preparation_bytes",
    ] { #expect(names.contains(name), "\(name)") }
  }

  @Test func `CSV fields with commas, quotes and line breaks are quoted`() throws {
    let record = Fixture.record(outcome: .skipped(reason: "a \"b\", c\nd"))
    let text = CSVReport.text(Report(run: Fixture.run([record])))
    #expect(text.contains(#","a ""b"", c"# + "\nd\","))
    #expect(text.contains("\"\(Fixture.plain.id)\""))
  }
}
