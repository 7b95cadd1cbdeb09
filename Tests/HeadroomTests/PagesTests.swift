import Foundation
import Testing

/// README.md and docs/ as a reader meets them.
@Suite struct PagesTests {
  static let pages: [String] = {
    let names = try? FileManager.default.contentsOfDirectory(atPath: Program.root + "/docs")
    return ["README.md", "CONTRIBUTING.md", "suites/exec/README.md"]
      + (names ?? []).filter { $0.hasSuffix(".md") }.sorted().map { "docs/" + $0 }
  }()

  /// Those marked as slow are run by `make witness`.
  @Test func `each quick command of the pages works as it is typed`() async throws {
    let program = try Program()
    defer { program.remove() }
    try FileManager.default.createDirectory(
      atPath: program.folder + "/.build/release", withIntermediateDirectories: true)
    try FileManager.default.createDirectory(
      atPath: program.folder + "/reports", withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: program.folder + "/.build/release/headroom", withDestinationPath: Program.path)
    let linked = ["docs", "suites", "Tests", "README.md", "CONTRIBUTING.md", ".ci"]
    for name in linked { try program.link(name) }
    try FileManager.default.copyItem(
      atPath: Program.root + "/reports/trials", toPath: program.folder + "/reports/trials")
    let ran = try await program.runInShell(
      "shift; python3 Tests/Witness/commands.py quick \"$@\"", Self.pages)
    #expect(ran.code == 0, "\(ran.output)\(ran.errors)")
  }

  @Test(arguments: pages)
  func `each link of a page leads to a file, and to a heading there`(page: String) throws {
    let text = try String(contentsOfFile: Program.root + "/" + page, encoding: .utf8)
    let folder = URL(fileURLWithPath: Program.root + "/" + page).deletingLastPathComponent()
    for match in text.matches(of: /\]\(([^)\s#]*)(#[^)\s]+)?\)/) where !match.1.contains("://") {
      let target =
        match.1.isEmpty
        ? URL(fileURLWithPath: Program.root + "/" + page)
        : folder.appendingPathComponent(String(match.1)).standardizedFileURL
      #expect(FileManager.default.fileExists(atPath: target.path), "\(page): \(match.0)")
      guard let anchor = match.2?.dropFirst() else { continue }
      let headings = try String(contentsOfFile: target.path, encoding: .utf8)
        .split(separator: "\n").filter { $0.hasPrefix("#") }.map(Self.anchor)
      #expect(headings.contains(String(anchor)), "\(page): \(match.0)")
    }
  }

  /// As GitHub makes them of a heading: small letters, blanks as hyphens, other marks left out.
  private static func anchor(_ heading: Substring) -> String {
    heading.drop { $0 == "#" || $0 == " " }.lowercased()
      .filter { $0.isLetter || $0.isNumber || " -_".contains($0) }
      .replacing(" ", with: "-")
  }

  @Test func `the page of trials is what the stored trials come to`() async throws {
    let program = try Program()
    defer { program.remove() }
    try program.link("reports")
    try program.link("Tests")
    let made = try await program.runInShell("python3 Tests/Benchmarks/trials.py summary", [])
    #expect(made.code == 0)
    #expect(
      try made.output
        == String(contentsOfFile: Program.root + "/reports/trials.md", encoding: .utf8))
  }

  @Test func `the page of results is what the stored runs come to`() async throws {
    let folder = Program.root + "/reports/baselines"
    let runs = try FileManager.default.contentsOfDirectory(atPath: folder)
      .filter { $0.hasSuffix(".jsonl") }.sorted().map { folder + "/" + $0 }
    try #require(!runs.isEmpty)
    let program = try Program()
    defer { program.remove() }
    let made = try await program.run(["results"] + runs + ["--markdown", "-"])
    #expect(made.code == 0, "\(made.errors)")
    #expect(
      try made.output
        == String(contentsOfFile: Program.root + "/reports/results.md", encoding: .utf8))
  }

  /// It is copied from the page of results, which is made.
  @Test func `the savers' table of the page on training is that of the results`() throws {
    func lines(_ page: String) throws -> [Substring] {
      try String(contentsOfFile: Program.root + "/" + page, encoding: .utf8)
        .split(separator: "\n")
    }
    let results = Set(try lines("reports/results.md"))
    let shown = try lines("docs/training.md").drop { $0 != "## What each saver costs" }
      .dropFirst().prefix { !$0.hasPrefix("## ") }.filter { $0.hasPrefix("|") }
    #expect(shown.count > 10)
    #expect(shown.filter { !results.contains($0) } == [])
  }
}

extension Program {
  /// A file or folder of the package, under the same name.
  fileprivate func link(_ name: String) throws {
    try FileManager.default.createSymbolicLink(
      atPath: folder + "/" + name, withDestinationPath: Self.root + "/" + name)
  }
}
