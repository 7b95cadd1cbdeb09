import Foundation
import Quantities
import Records
import Testing

@Suite struct RunFileLineTests {
  private static let lines: [String] = {
    let values: [any Encodable] = [
      Specimen.header, Specimen.record(run: 0), Specimen.record(run: 1), Specimen.record(run: 2),
    ]
    return values.map { String(decoding: (try? JSONText.encode($0)) ?? Data(), as: UTF8.self) }
  }()

  private func parse(_ text: String) throws -> Run {
    try RunFile.parse(InputFile(Data(text.utf8), from: "run.jsonl", as: RunFile.noun))
  }

  private func refusal(of text: String) -> Fault? {
    do {
      _ = try parse(text)
      return nil
    } catch {
      return (error as? any FaultConvertible)?.fault
    }
  }

  @Test func `a whole file is read line by line`() throws {
    let run = try parse(Self.lines.joined(separator: "\n") + "\n")
    #expect(run.records.map(\.run) == [0, 1, 2])
    #expect(!run.tornLine)
    #expect(run.header.suite.name == "decode")
  }

  @Test func `a header alone is a run without records`() throws {
    let run = try parse(Self.lines[0] + "\n")
    #expect(run.records.isEmpty)
    #expect(!run.tornLine)
  }

  /// Cut at the start, in the middle, inside a name and one character before the end.
  @Test(arguments: [1, 2, 40, 200, -1])
  func `a torn last line is forgiven and reported`(length: Int) throws {
    let last = Self.lines[3]
    let torn = last.prefix(length > 0 ? length : last.count + length)
    let run = try parse(Self.lines[..<3].joined(separator: "\n") + "\n" + torn)
    #expect(run.records.map(\.run) == [0, 1])
    #expect(run.tornLine)
  }

  @Test func `a last line that is whole but for its line break is kept`() throws {
    let run = try parse(Self.lines.joined(separator: "\n"))
    #expect(run.records.map(\.run) == [0, 1, 2])
    #expect(!run.tornLine)
  }

  @Test func `a last line with its line break is not torn but wrong`() throws {
    let text = Self.lines[..<3].joined(separator: "\n") + "\n" + Self.lines[3].prefix(40) + "\n"
    let fault = try #require(refusal(of: text))
    #expect(fault.what.hasPrefix("a line of the run file cannot be read: "))
    #expect(fault.place == "run.jsonl:4")
    #expect(fault.mend == "restore the file, or run the sweep again with --replace")
  }

  @Test func `a torn line in the middle is named by its number`() {
    let text =
      [Self.lines[0], Self.lines[1], String(Self.lines[2].prefix(40)), Self.lines[3]]
      .joined(separator: "\n") + "\n"
    #expect(refusal(of: text)?.place == "run.jsonl:3")
  }

  @Test func `an empty line in the middle is named by its number`() {
    let text = [Self.lines[0], Self.lines[1], "", Self.lines[2]].joined(separator: "\n") + "\n"
    #expect(refusal(of: text)?.place == "run.jsonl:3")
  }

  @Test(arguments: ["", "\n"]) func `an empty file says how to make one again`(text: String) {
    #expect(
      refusal(of: text)
        == Fault(
          "the run file is empty", at: "run.jsonl", fix: "run the sweep again with --replace"))
  }

  @Test(arguments: ["{", "[]", "{}", #"{"schema":1}"#, "plain words"])
  func `a first line that is no header is told so`(text: String) {
    #expect(
      refusal(of: text + "\n")
        == Fault(
          "the first line is not a run's header", at: "run.jsonl:1",
          fix: "give a file that headroom sweep wrote (JSON Lines, schema headroom.run/1)"))
  }

  @Test func `another schema is told with both names`() {
    #expect(
      refusal(of: #"{"schema":"headroom.run/9"}"# + "\n")
        == Fault(
          "the run file has schema 'headroom.run/9', and this program reads 'headroom.run/1'",
          at: "run.jsonl:1", fix: "read it with the version of headroom that wrote it"))
  }

  @Test func `a missing file is told with the command that makes it`() {
    #expect {
      try RunFile.read("/no/such.jsonl")
    } throws: { error in
      (error as? InputFault)?.fault
        == Fault(
          "there is no run file to read", at: "/no/such.jsonl",
          fix: "make one with: headroom sweep SUITE -o /no/such.jsonl")
    }
  }

  @Test func `a file is read from where it lies`() throws {
    let path = NSTemporaryDirectory() + "run-\(UUID().uuidString).jsonl"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(Self.lines.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: path))
    #expect(try RunFile.read(path).records.count == 3)
  }
}
