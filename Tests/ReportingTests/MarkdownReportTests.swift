import Quantities
import Records
import Reporting
import Testing

@Suite struct MarkdownReportTests {
  private static func text(
    _ records: [Record], about: String? = "One decoded token.", warnings: [String] = []
  ) throws -> String {
    try MarkdownFormat.text(
      SweepDocument.make(
        Report(run: Fixture.run(records, about: about, warnings: warnings))))
  }

  private let cases = ["1024", "4096"].map { Fixture.matmul(["m": "1", "n": $0]) }

  @Test func `a workload has one table, with the axes that vary`() throws {
    let text = try Self.text(cases.map { Fixture.record($0) })
    #expect(text.contains("All cases: matmul m=1\n"))
    #expect(
      text.contains(
        """
        | n | latency | ±95 % | p90 | p99 | GFLOP/s | GB/s | of ceiling | memory | error |
        |---:|---:|---:|---:|---:|---:|---:|---|---:|---:|
        | 1024 | 2.00 ms | ±0.0 % | 2.00 ms | 2.00 ms | &lt;0.01 | &lt;0.01 | 50 % fma |
        """.split(separator: "\n").joined(separator: "\n")))
    #expect(text.contains("### Memory of matmul"))
    #expect(text.contains("| 1024 | 68.0 MiB | 68.0 MiB | – | – | 90.0 MiB | 0 B | 64.0 MiB |"))
  }

  @Test func `tokens have a column where there are any`() throws {
    var record = Fixture.record(cases[0])
    // 3 tokens in 2 ms.
    record.work = Work(
      flops: 1000, bytesRead: Bytes(400), bytesWritten: Bytes(100), tokens: 3, format: .fp32)
    let text = try Self.text([record])
    #expect(text.contains("| tokens/s |"))
    #expect(text.contains("| 1500 |"))
  }

  @Test func `what users wrote cannot break a table`() throws {
    let record = Fixture.record(cases[0], outcome: .skipped(reason: "a|b\n<c>"))
    let text = try Self.text([record], about: "x | y", warnings: ["load_1 is *high*"])
    #expect(text.contains(#"| skipped | a\|b &lt;c> |"#))
    #expect(text.contains(#"x \| y"#))
    #expect(text.contains(#"- **Warning:** load\_1 is \*high\*"#))
  }

  @Test func `every case that was run has the command that repeats it`() throws {
    let text = try Self.text(
      [Fixture.record(cases[0]), Fixture.record(cases[1], outcome: .skipped(reason: "no"))])
    #expect(text.contains("\nheadroom sweep --workload matmul -a m=1 -a n=1024\n"))
    #expect(!text.contains("-a n=4096"))
  }

  @Test func `a report without cases is still a page`() throws {
    let text = try Self.text([])
    #expect(text.hasPrefix("# decode\n"))
    #expect(text.contains("- Result: 0 cases"))
  }
}
