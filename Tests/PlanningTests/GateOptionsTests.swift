import Planning
import Quantities
import Testing

struct GateOptionsTests {
  private func gates(_ common: String, entry: String = "") throws -> [GateOptions] {
    let text = """
      suite: t
      \(common)
      sweep:
        - workload: matmul
          axes: { m: 1, n: 8, k: 8 }
          \(entry)
        - workload: matmul
          axes: { m: 2, n: 8, k: 8 }
      """
    return try Planner(cores: 2).plan(SuiteReader.parse(text, path: "t.yaml")).cases.map(\.gate)
  }

  @Test func `a suite without a gate leaves all to the gate's own standard`() throws {
    #expect(try gates("about: x") == [GateOptions(), GateOptions()])
  }

  @Test func `an entry's gate falls back on the suite's`() throws {
    let gates = try gates(
      "gate: { tolerate: 3 %, detect: 8 %, turn: 10 ms, outputs: exact }",
      entry: "gate: { tolerate: 4 % }")
    #expect(gates.map(\.tolerated) == [0.04, 0.03])
    #expect(gates.map(\.detected) == [0.08, 0.08])
    #expect(gates.map(\.turn) == [Seconds(0.01), Seconds(0.01)])
    #expect(gates.map(\.areOutputsExact) == [true, true])
  }

  @Test func `counts have room to grow, an entry's before the suite's`() throws {
    let gates = try gates(
      "gate: { allocations: 2, bytes: 64 KiB }", entry: "gate: { bytes: 1 %, flops: 0 % }")
    #expect(gates[0].budget == [.allocations: .count(2), .bytes: .share(0.01), .flops: .share(0)])
    #expect(gates[1].budget == [.allocations: .count(2), .bytes: .count(65_536)])
  }

  @Test func `how long a gate may take is the suite's to say, not an entry's`() throws {
    let text = "suite: t\ngate: { time: 5 min }\nsweep: [{ workload: self-test }]"
    #expect(try SuiteReader.parse(text, path: "t.yaml").gate.time == Seconds(300))
    do {
      _ = try gates("about: x", entry: "gate: { time: 5 min }")
      Issue.record("it was read")
    } catch let fault as SuiteFault {
      #expect(fault.fault.description.contains("an entry's gate has no key 'time'"))
    }
  }

  @Test(arguments: [
    ("bytes: some", "bytes is 'some'"), ("allocations: -1", "allocations is '-1'"),
    ("tolerate: 3", "tolerate is '3'"), ("detect: 0 %", "detect is '0 %'"),
    ("turn: soon", "turn is 'soon'"), ("time: 0 s", "time is '0 s'"),
    ("outputs: maybe", "outputs is 'maybe'"),
    ("tolerate: 5 %, detect: 4 %", "detect is '4 %'"), ("alpha: 1 %", "alpha"),
  ])
  func `a gate that cannot be is told so with its line`(text: String, words: String) throws {
    do {
      _ = try gates("gate: { \(text) }")
      Issue.record("it was read")
    } catch let fault as SuiteFault {
      #expect(fault.fault.description.contains(words))
      #expect(fault.fault.description.contains("t.yaml:2:"))
    }
  }
}
