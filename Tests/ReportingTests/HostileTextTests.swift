import Comparing
import Foundation
import FoundationXML
import Quantities
import Records
import Reporting
import Testing

/// Names and reasons of others in everything that is written: no commands, no markup, no escapes.
@Suite struct HostileTextTests {
  private func answer(_ name: String, failure: String? = nil) throws -> GateAnswer {
    struct Cells: Encodable {
      struct Cell: Encodable {
        let name: String
        let blocks: [[String: [Double]]]
        let failure: String?
      }
      let cells: [Cell]
    }
    let cells = Cells(cells: [
      .init(name: name, blocks: [["base": [1], "head": [1]]], failure: failure)
    ])
    let input = try InputFile(try JSONEncoder().encode(cells), from: "r", as: "timings")
    return try PairedTimings.parse(input).judged().answer
  }

  private static let hostile = [
    "a\r\n::error file=x::pwned", "a\n::stop-commands::tok", "a\r::error::x", "a\u{1B}[31mred",
    "a\u{0}b", "a\u{9B}31m", "a\u{202E}b", "a##[error]b", "a\u{FFFE}b", "a\u{2028}b",
  ]

  @Test(arguments: hostile) func `an annotation is one line and one command`(text: String) throws {
    let lines = GateAnnotations.lines(try answer(text, failure: text), allowsInconclusive: false)
    #expect(!lines.isEmpty)
    for line in lines {
      #expect(!line.unicodeScalars.contains { $0.isSteering })
      #expect(line.hasPrefix("::error title=") || line.hasPrefix("::warning title="))
      #expect(!line.dropFirst(2).contains("\n::") && !line.contains("##["))
    }
  }

  @Test(arguments: hostile) func `JUnit is XML, whatever a case is called`(text: String) throws {
    let data = GateJUnit.data(try answer(text, failure: text), allowsInconclusive: false)
    let document = try XMLDocument(data: data)
    #expect(document.rootElement()?.attribute(forName: "tests")?.stringValue == "2")
    #expect(
      !String(decoding: data, as: UTF8.self).unicodeScalars.contains {
        $0.value < 0x20 && $0 != "\n" && $0 != "\t" && $0 != "\r"
      })
  }

  @Test(arguments: [
    ("a|\u{301}b", "a\\|\u{301}b"), ("`\u{200D}x", "\\`\u{200D}x"), ("- x", "\\- x"),
    ("@someone", "@\u{200B}someone"), ("a\r\nb", "a  b"), ("a\u{1B}b", "a\\u{1B}b"),
    ("a\u{202E}b", "a\\u{202E}b"), ("<b>", "&lt;b>"), ("plain words", "plain words"),
  ])
  func `Markdown text is text`(text: String, escaped: String) {
    #expect(markdownEscaped(text) == escaped)
  }

  @Test(arguments: [
    ("\u{1B}[31m", "\\u{1B}[31m"), ("a\u{7F}", "a\\u{7F}"), ("\u{85}", "\\u{85}"),
    ("\u{2066}x", "\\u{2066}x"), ("ü 日本 👍", "ü 日本 👍"), ("a\nb", "a\\u{A}b"),
  ])
  func `what would steer a terminal stands there as its number`(text: String, shown: String) {
    #expect(text.printable() == shown)
    #expect("a\n\tb\u{1B}".printable(keepingLines: true) == "a\n\tb\\u{1B}")
  }
}

/// JUnit, annotations and the exit code say the same of every verdict.
@Suite struct AgreementTests {
  private func answer(
    _ verdict: SuiteVerdict, _ cases: [CaseVerdict], stale: [String] = []
  ) -> GateAnswer {
    GateAnswer(
      verdict: verdict,
      cells: cases.enumerated().map { .unjudged("c\($0)", $1, "because") }, null: .absent,
      staleAcceptances: stale)
  }

  @Test(arguments: [
    (SuiteVerdict.pass, [CaseVerdict.pass], true), (.regressed, [.regressed, .pass], false),
    (.failed, [.failed], false), (.inconclusive, [.inconclusive, .pass], false),
    (.contaminated, [.pass], false), (.contaminated, [.inconclusive], false),
    (.staleAcceptance, [.pass], false),
    (.notComparable, [.pass], false), (.nothingJudged, [.skipped], false),
    (.nothingJudged, [], false), (.pass, [.pass, .improved, .accepted, .skipped, .new], true),
  ])
  func `what is red to one is red to all`(
    verdict: SuiteVerdict, cases: [CaseVerdict], isGreen: Bool
  ) throws {
    let answer = answer(verdict, cases, stale: verdict == .staleAcceptance ? ["old"] : [])
    for allows in [false, true] {
      let passes = isGreen || (allows && (verdict == .inconclusive || verdict == .contaminated))
      let lines = GateAnnotations.lines(answer, allowsInconclusive: allows)
      #expect(lines.contains { $0.hasPrefix("::error") } == !passes)
      let suite = try #require(
        try XMLDocument(data: GateJUnit.data(answer, allowsInconclusive: allows)).rootElement())
      func count(_ name: String) -> Int {
        Int(suite.attribute(forName: name)?.stringValue ?? "") ?? -1
      }
      #expect((count("failures") + count("errors") > 0) == !passes)
      let tests = suite.elements(forName: "testcase")
      #expect(count("tests") == tests.count)
      #expect(count("errors") == tests.filter { !$0.elements(forName: "error").isEmpty }.count)
    }
  }
}
