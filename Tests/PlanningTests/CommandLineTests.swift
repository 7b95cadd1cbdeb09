import Planning
import Quantities
import Testing

struct CommandLineTests {
  static let suite = """
    suite: t
    sweep:
      - workload: toy
        axes: { rows: [1, 2], precision: fp16 }
      - workload: matmul
        axes: { m: 1, n: 8, k: 8, variant: reference }
    """

  @Test func `an inline case needs no file`() throws {
    let plan = try inlinePlan("toy", ["rows=1,8", "cache=cold"])
    #expect(plan.suite.name == "toy")
    #expect(plan.suite.text == "headroom sweep --workload toy -a rows=1,8 -a cache=cold")
    #expect(
      plan.ids == [
        "toy/rows=1,kv-heads=1,mask=off,precision=fp32,variant=best,threads=all,cache=cold",
        "toy/rows=8,kv-heads=1,mask=off,precision=fp32,variant=best,threads=all,cache=cold",
      ])
  }

  @Test(arguments: [
    (["rows=0"], Fault("rows is 0", at: "-a rows=0", fix: "give a number from 1 up")),
    (["row=1"], Fault("toy has no axis 'row'", at: "-a row=1", fix: "did you mean 'rows'?")),
    (
      ["rows"], Fault("'rows' gives no axis its values", at: "-a rows", fix: "write it as -a m=1,8")
    ),
    (
      ["rows="],
      Fault("rows is given no value", at: "-a rows=", fix: "give it one, or leave it out")
    ),
    (
      ["rows=1", "rows=2"],
      Fault(
        "the axis 'rows' is given twice", at: "-a rows=2", fix: "give all its values in one list")
    ),
    (
      [],
      Fault(
        "toy needs the axis 'rows', which has no default", at: "--workload toy",
        fix: "add -a rows=…")
    ),
    (
      ["rows=1", "threads=5"],
      Fault(
        "threads is 5, and there are 4 cores", at: "-a threads=5", fix: "use at most 4, or all")
    ),
  ])
  func `inline faults speak of the option`(axes: [String], expected: Fault) throws {
    #expect(try faultOf { try inlinePlan("toy", axes) } == expected)
  }

  @Test func `an axis is replaced in every entry that has it`() throws {
    let plan = try plan(Self.suite, axes: ["precision=bf16", "rows=4"])
    #expect(values("precision", of: plan) == ["bf16", "bf16"])
    #expect(values("rows", of: plan) == ["4"])
    #expect(plan.suite.overrides == ["-a precision=bf16", "-a rows=4"])
  }

  @Test func `an alias replaces the axis that it stands for`() throws {
    #expect(
      try values("precision", of: plan(Self.suite, axes: ["bits=32"])) == ["fp32", "fp32", "fp32"])
  }

  @Test func `an axis that no entry has is a fault with the nearest name`() throws {
    let fault = try faultOf { try plan(Self.suite, axes: ["rowss=1"]) }
    #expect(
      fault
        == Fault(
          "matmul, toy has no axis 'rowss'", at: "-a rowss=1", fix: "did you mean 'rows'?"))
  }

  @Test func `too many threads from an option are a fault, not a skip`() throws {
    let fault = try faultOf { try plan(Self.suite, axes: ["threads=8"]) }
    #expect(fault?.place == "-a threads=8")
  }

  @Test func `a filter keeps the ids in which its pattern is found`() throws {
    let plan = try toyPlan("rows: [1, 2, 12]\nthreads: [all, 8]").filtered(by: "rows=1\\d*,")
    #expect(values("rows", of: plan) == ["1", "12"])
    #expect(skippedValues("rows", of: plan) == ["1", "12"])
  }

  @Test func `a filter finds a case by an id that was merged into it`() throws {
    let plan = try toyPlan("rows: 1\nvariant: [fast, best]").filtered(by: "variant=best")
    #expect(values("variant", of: plan) == ["fast"])
  }

  @Test func `a filter that matches nothing says of how many`() throws {
    let plan = try toyPlan("rows: [1, 2]\nthreads: [1, 8]")
    #expect(
      try faultOf { try plan.filtered(by: "cols") }
        == Fault(
          "none of 4 cases matches the filter", at: "--filter cols",
          fix: "headroom plan prints the case ids"))
  }

  @Test func `a filter that is no regular expression is a fault`() throws {
    let plan = try toyPlan("rows: 1")
    let fault = try faultOf { try plan.filtered(by: "(rows") }
    #expect(fault?.what.hasPrefix("the filter is not a regular expression: ") == true)
    #expect(fault?.place == "--filter (rows")
  }

  @Test func `shards share out the cases by position`() throws {
    let plan = try toyPlan("rows: 1-7+1")
    #expect(try values("rows", of: plan.shard(Shard("1/3"))) == ["1", "4", "7"])
    #expect(try values("rows", of: plan.shard(Shard("3/3"))) == ["3", "6"])
  }

  @Test func `a shard does not split an interleaved group`() throws {
    let plan = try toyPlan("rows: [1, 2]\nvariant: [plain, fast]", entry: "interleave: variant")
    #expect(try values("rows", of: plan.shard(Shard("2/2"))) == ["2", "2"])
  }

  @Test(arguments: ["0/2", "3/2", "1/0", "1", "a/b", "1/99999999999999999999"])
  func `a shard that cannot be is a fault`(text: String) throws {
    let fault = try faultOf { try Shard(text) }
    #expect(
      fault
        == Fault(
          "'\(text)' is no shard", at: "--shard \(text)",
          fix: "write I/N with I from 1 to N, as in --shard 1/4"))
  }
}
