import Foundation
import OrderedCollections
import Quantities
import Records
import Testing

@Suite struct CaseTests {
  private let `case` = Case(
    workload: "matmul",
    axes: ["m": .number(1), "precision": .word("bf16"), "threads": .word("all")])

  @Test func `an id holds the axes in their order and is read back`() {
    #expect(self.case.id == "matmul/m=1,precision=bf16,threads=all")
    #expect(Case(id: self.case.id) == self.case)
  }

  @Test(arguments: ["matmul", "matmul/m", "matmul/=1", "matmul/m=1,m=2"])
  func `what is no id is none`(text: String) { #expect(Case(id: text) == nil) }

  @Test func `the command that repeats it quotes what a shell would take apart`() {
    let odd = Case(workload: "w", axes: ["a": .word("it's")])
    #expect(odd.repro == #"headroom sweep --workload w -a a='it'\''s'"#)
    #expect(
      self.case.repro
        == "headroom sweep --workload matmul -a m=1 -a precision=bf16 -a threads=all")
  }
}

@Suite struct CodingTests {
  private func roundTrip<Value: Codable>(_ value: Value) throws -> Value {
    try JSONText.decode(Value.self, from: JSONText.encode(value))
  }

  @Test(arguments: [
    Outcome.ok, .failedCheck(reason: "a"), .outOfMemory(.budget, reason: "b"),
    .outOfMemory(.limit, reason: "c"), .outOfMemory(.killed, reason: "d"),
    .timedOut(reason: "e"), .crashed(signal: "SIGKILL", reason: "f"), .skipped(reason: "g"),
  ])
  func `an outcome is read as it was written`(outcome: Outcome) throws {
    #expect(try roundTrip(outcome) == outcome)
  }

  @Test func `only what was run and did not end well is a failure`() {
    #expect(!Outcome.ok.isFailure && !Outcome.skipped(reason: "").isFailure)
    #expect(Outcome.timedOut(reason: "").isFailure)
  }

  @Test func `roles are snake case on disk and come back`() throws {
    let plan = MemoryPlan([.run: [.kvCache: Bytes(3), .weights: Bytes(4)]])
    let text = String(decoding: try JSONText.encode(plan), as: UTF8.self)
    #expect(text == #"{"phases":{"run":{"kv_cache":3,"weights":4}}}"#)
    #expect(try roundTrip(plan) == plan)
  }

  @Test func `a reading is a value or a reason, never both`() throws {
    #expect(try roundTrip(Reading.measured(3)) == .measured(3))
    #expect(try roundTrip(Reading<Int>.unavailable("no counter")) == .unavailable("no counter"))
  }

  @Test func `what is not a number is refused, not written`() {
    #expect(throws: EncodingError.self) { try JSONText.encode([Double.nan]) }
  }

  @Test func `a record comes back whole`() throws {
    let probe = Record.Probe(flopsPerSecond: 1e9, bytesPerSecond: nil)
    var record = Record(
      case: Case(workload: "w", axes: ["n": .number(2)]), run: 3, outcome: .ok)
    record.timing = Record.Timing(
      clockCost: Seconds(2e-8), warmUp: .init(windows: [1, 2], cut: 1, steady: true),
      blocks: [.init(round: 0, calls: 7, samples: [0.1, 0.2], before: probe, after: probe)],
      ceiling: .init(
        unit: "fma-512", level: .dram, threads: 2, flopsPerSecond: 1, readPerSecond: 2,
        fillPerSecond: 3), cache: .cold, rotation: 4, criterionMissed: "within 1 %: reached 2 %")
    let back = try roundTrip(record)
    #expect(try JSONText.encode(back) == JSONText.encode(record))
    #expect(back.timing?.blocks[0].perCall == [0.1 / 7, 0.2 / 7])
    #expect(back.timing?.ceiling?.level == .dram)
  }
}

@Suite struct RunFileFaultTests {
  private func parsing(_ text: String) -> Fault? {
    do {
      _ = try RunFile.parse(InputFile(Data(text.utf8), from: "run.jsonl", as: RunFile.noun))
      return nil
    } catch { return (error as? any FaultConvertible)?.fault }
  }

  @Test(arguments: [
    ("", "the run file is empty", "run.jsonl"),
    ("not json\n", "the first line is not a run's header", "run.jsonl:1"),
    (#"{"schema":"other/9"}"# + "\n", "the run file has schema 'other/9'", "run.jsonl:1"),
    (
      #"{"schema":"headroom.run/1"}"# + "\n", "a line of the run file cannot be read", "run.jsonl:1"
    ),
  ])
  func `a file that is no run is told so`(text: String, what: String, place: String) throws {
    let fault = try #require(parsing(text))
    #expect(fault.what.hasPrefix(what))
    #expect(fault.place == place)
    #expect(fault.mend != nil)
  }

  @Test func `a missing file says how to make one`() {
    #expect {
      try RunFile.read("/no/such.jsonl")
    } throws: { ($0 as? any FaultConvertible)?.fault.mend?.contains("headroom sweep") == true }
  }
}
