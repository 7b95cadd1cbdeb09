import Foundation
import Planning
import Quantities
import Records
import Testing

struct SuiteReaderTests {
  static let text = """
    suite: decode
    about: One token.
    measure: { within: 0.5 %, budget: 2 s, runs: 3, memory-limit: 8 GiB, timeout: 90s, seed: 7 }
    sweep:
      - workload: toy
        axes:
          rows: [1, 2]
        skip:
          - { where: { rows: 2 }, because: "two is too many" }
        interleave: variant
    """

  @Test func `every part of a suite is read`() throws {
    let suite = try SuiteReader.parse(Self.text, path: "a.yaml")
    #expect((suite.name, suite.about, suite.text) == ("decode", "One token.", Self.text))
    let entry = try #require(suite.entries.first)
    #expect(entry.workload == Located("toy", .file("a.yaml", line: 5, column: 15)))
    #expect(entry.axes.first?.name == Located("rows", .file("a.yaml", line: 7, column: 7)))
    #expect(
      entry.axes.first?.values.items.last
        == Located(.text("2"), .file("a.yaml", line: 7, column: 17)))
    #expect(entry.skip.first?.because == "two is too many")
    #expect(entry.interleave?.value == "variant")
  }

  @Test func `measure options carry their units`() throws {
    let measure = try SuiteReader.parse(Self.text, path: "a.yaml").measure
    #expect((measure.within, measure.budget, measure.runs) == (0.005, Seconds(2), 3))
    #expect(measure.memoryLimit == .gibibytes(8))
    #expect((measure.timeout, measure.seed) == (Seconds(90), 7))
  }

  @Test func `the command line's options stand before the suite's and the standard ones`() throws {
    var options = MeasureOptions()
    try options.setOption(.budget, to: "1s")
    let settings = try plan(Self.text, options: options).measure
    #expect((settings.budget, settings.runs) == (Seconds(1), 3))
    #expect(MeasureOptions().settings == .standard)
    #expect(MeasureSettings.standard.within == 0.01)
  }

  @Test(arguments: [
    (MeasureKey.within, "0 %"), (.within, "1"), (.within, "100 %"), (.budget, "0 s"),
    (.budget, "5 parsecs"), (.runs, "0"), (.runs, "1.5"), (.memoryLimit, "0"),
    (.memoryLimit, "much"), (.timeout, "-1 s"), (.seed, "-1"),
  ])
  func `a bad measure option is a fault at its place`(key: MeasureKey, text: String) throws {
    let fault = try faultOf {
      try plan("suite: t\nmeasure:\n  \(key.rawValue): \(text)\nsweep: []")
    }
    #expect(fault?.what == "\(key.rawValue) is '\(text)'")
    #expect(fault?.place == "suites/t.yaml:3:\(key.rawValue.count + 5)")
    #expect(fault?.mend?.hasPrefix("give a") == true)
    var options = MeasureOptions()
    let option = try faultOf { try options.setOption(key, to: text) }
    #expect(option?.place == "--\(key.rawValue) \(text)")
  }

  @Test func `a byte-order mark and line ends of Windows are no matter`() throws {
    let text = "\u{FEFF}" + Self.text.split(separator: "\n").joined(separator: "\r\n")
    let input = try InputFile(Data(text.utf8), from: "a.yaml", as: "suite")
    #expect(
      try SuiteReader.parse(input.text, path: "a.yaml").entries.first?.place.description
        == "a.yaml:5:5")
  }

  @Test func `a missing file is a fault that names it`() throws {
    let fault = try faultOf { try SuiteReader.read("/nowhere/decode.yaml") }
    #expect(fault?.what == "there is no suite to read")
    #expect(fault?.place == "/nowhere/decode.yaml")
    #expect(fault?.mend?.contains("--workload") == true)
  }
}
