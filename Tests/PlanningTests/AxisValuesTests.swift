import Planning
import Testing

struct AxisValuesTests {
  @Test(arguments: [
    ("1,2,4", ["1", "2", "4"]),
    ("1-64*2", ["1", "2", "4", "8", "16", "32", "64"]),
    ("1-63*2", ["1", "2", "4", "8", "16", "32"]),
    ("1-9+4", ["1", "5", "9"]),
    ("1-8+4", ["1", "5"]),
    ("7-7*2", ["7"]),
    ("3,8-32*2, 100", ["3", "8", "16", "32", "100"]),
  ])
  func `lists and ranges are read alike on the command line and in a suite`(
    text: String, expected: [String]
  ) throws {
    #expect(try values("rows", of: inlinePlan("toy", ["rows=\(text)"])) == expected)
    #expect(try values("rows", of: toyPlan("rows: \(text)")) == expected)
  }

  @Test(arguments: [
    ("{ from: 1, to: 8, times: 2 }", ["1", "2", "4", "8"]),
    ("{ from: 1, to: 8, plus: 3 }", ["1", "4", "7"]),
    ("[1, 5]", ["1", "5"]),
    ("[{ from: 2, to: 4, plus: 1 }, 9, 16-32*2]", ["2", "3", "4", "9", "16", "32"]),
    ("5", ["5"]),
  ])
  func `a suite may also write mappings and sequences`(text: String, expected: [String]) throws {
    #expect(try values("rows", of: toyPlan("rows: \(text)")) == expected)
  }

  /// YAML 1.1 would read `off` as false.
  @Test func `words that YAML would convert stay words`() throws {
    #expect(try values("mask", of: toyPlan("rows: 1\nmask: [off, causal]")) == ["off", "causal"])
  }

  @Test func `bits are short for the default format of that width`() throws {
    let plan = try toyPlan("rows: 1\nbits: [32, 16]")
    #expect(values("precision", of: plan) == ["fp32", "fp16"])
    #expect(values("bits", of: plan) == [])
  }
}
