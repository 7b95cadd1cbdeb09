import Foundation
import Quantities
import Records
import Reporting
import Testing

/// The page of results, from run files as they lie on the disk.
struct ResultsDocumentTests {
  private func page(_ runs: [Run]) throws -> String {
    try MarkdownFormat.text(ResultsDocument.make(runs.map(stored)))
  }

  /// The run as its file holds it.
  private func stored(_ run: Run) throws -> Run {
    let values: [any Encodable] = [run.header] + run.records
    let lines = try values.map { String(decoding: try JSONText.encode($0), as: UTF8.self) }
    let text = lines.joined(separator: "\n") + "\n"
    return try RunFile.parse(InputFile(Data(text.utf8), from: "run.jsonl", as: RunFile.noun))
  }

  private let savers = [
    Fixture.saved("none", milliseconds: 100, activations: 60),
    Fixture.saved("block", milliseconds: 120, activations: 40),
  ]

  @Test func `a run of savers shows what each of them costs`() throws {
    let page = try page([Fixture.run(savers, name: "savers")])
    let lines = page.split(separator: "\n")
    #expect(lines.contains("## savers"))
    let title = try #require(lines.firstIndex(of: "### What each memory saver costs here"))
    #expect(lines[title + 1].hasPrefix("| saver | peak | × memory | role that fell |"))
    // 100 MiB and 100 ms become 80 and 120.
    #expect(
      lines[title + 3].hasPrefix("| none | 100 MiB | 1.00 • |  | forward | 60.0 MiB | 100 ms |"))
    #expect(
      lines[title + 4].hasPrefix(
        "| block | 80.0 MiB | 0.80 • | activations | forward | 40.0 MiB | 120 ms | 1.20"))
  }

  @Test func `what others published of a saver is on the page, with its source`() throws {
    let claim = PublishedClaim(saver: "block", memory: 0.5, time: 1.3, source: "a guide")
    let page = try page([Fixture.run(savers, name: "claims", claims: [claim])])
    #expect(page.contains("| 0.50, 1.30 (a guide) |"))
  }

  @Test func `each run has a table of its own`() throws {
    let page = try page([
      Fixture.run(savers, name: "savers"), Fixture.run(savers, name: "savers"),
    ])
    #expect(page.split(separator: "\n").filter { $0.hasPrefix("| block | 80.0 MiB") }.count == 2)
  }

  @Test func `a run without savers has no such table`() throws {
    let page = try page([Fixture.run([savers[0]])])
    #expect(!page.contains("saver costs"))
  }

  @Test func `another library's steps stand beside ours, and have no table of savers`() throws {
    let rivals = ["none", "block"].map { checkpointing in
      var record = Fixture.trained(
        Fixture.step(["checkpointing": checkpointing, "variant": "exec:torch"]),
        milliseconds: 200, activations: 60)
      record.variant = "exec:torch"
      record.library = "PyTorch 2"
      record.memory = nil
      return record
    }
    let page = try page([Fixture.run(savers + rivals, name: "competitors-training")])
    #expect(page.contains("× best competitor"))
    #expect(page.contains("PyTorch 2"))
    #expect(page.components(separatedBy: "saver costs here").count == 2)
  }
}
