import Quantities
import Records
import Testing

/// What the end of a program had to do with memory, from each set of facts.
@Suite struct ProgramVerdictTests {
  struct Row: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var ending = ProgramEnding.exited(1)
    var kills: Int? = nil
    var hits = 0
    var charged = Bytes.mebibytes(10)
    var machine = 0
    var limits = ProgramDiagnosis.Limits()
    var said: [String] = []
    var verdict: ProgramVerdict
  }

  private static let limit = Bytes.mebibytes(64)
  private static let group = ProgramDiagnosis.Limits(asked: limit, mechanism: .controlGroup)
  private static let data = ProgramDiagnosis.Limits(
    asked: limit, mechanism: .dataSize, data: limit, highestData: .mebibytes(30))
  private static let full = ProgramDiagnosis.Limits(
    asked: limit, mechanism: .dataSize, data: limit, highestData: limit)
  private static let complaint = ["MemoryError"]

  static let rows: [Row] = [
    .init(testDescription: "ended well", ending: .exited(0), verdict: .endedWell),
    .init(
      testDescription: "ended well, and said of one refusal that it lived through it",
      ending: .exited(0), said: complaint, verdict: .endedWell),
    .init(testDescription: "left with a code", verdict: .notMemory),
    .init(testDescription: "crashed", ending: .signaled(11), verdict: .notMemory),
    .init(testDescription: "killed by somebody", ending: .signaled(9), verdict: .notMemory),
    .init(
      testDescription: "killed at our limit, hits counted", ending: .signaled(9), kills: 1, hits: 4,
      limits: group, verdict: .ourLimit(limit, kills: 1)),
    .init(
      testDescription: "killed at our limit, the group full", ending: .signaled(9), kills: 1,
      charged: limit, limits: group, verdict: .ourLimit(limit, kills: 1)),
    .init(
      testDescription: "a shell's command killed at our limit", ending: .exited(137), kills: 2,
      hits: 1, limits: group, verdict: .ourLimit(limit, kills: 2)),
    .init(
      testDescription: "killed far below our limit", ending: .signaled(9), kills: 1,
      limits: group, verdict: .outerLimit(kills: 1)),
    .init(
      testDescription: "killed in a group without a limit", ending: .signaled(9), kills: 1,
      machine: 1, verdict: .outerLimit(kills: 1)),
    .init(
      testDescription: "killed while the machine's counter moved", ending: .signaled(9), kills: 0,
      machine: 2, verdict: .machine(kills: 2)),
    .init(
      testDescription: "a shell's command killed while the counter moved", ending: .exited(137),
      machine: 1, verdict: .machine(kills: 1)),
    .init(
      testDescription: "left with a code while the counter moved", machine: 3, verdict: .notMemory),
    .init(
      testDescription: "refused at our data limit", limits: data, said: complaint,
      verdict: .refused(.ourLimit(limit), said: "MemoryError")),
    .init(
      testDescription: "refused at a data limit that was there",
      limits: .init(data: .gibibytes(1)), said: complaint,
      verdict: .refused(.inherited(.gibibytes(1), option: "-d"), said: "MemoryError")),
    .init(
      testDescription: "refused at an address-space limit that was there",
      limits: .init(addressSpace: .gibibytes(2)), said: complaint,
      verdict: .refused(.inherited(.gibibytes(2), option: "-v"), said: "MemoryError")),
    .init(
      testDescription: "refused without a limit", said: complaint,
      verdict: .refused(.noLimit, said: "MemoryError")),
    .init(
      testDescription: "aborted at the data limit without a word", ending: .signaled(6),
      limits: full, verdict: .refused(.ourLimit(limit), said: nil)),
    .init(
      testDescription: "aborted well below the data limit", ending: .signaled(6), limits: data,
      verdict: .notMemory),
    .init(
      testDescription: "interrupted at the data limit", ending: .signaled(2), limits: full,
      verdict: .notMemory),
    .init(
      testDescription: "timed out", ending: .timedOut(Seconds(1)), said: complaint,
      verdict: .timedOut),
  ]

  static func diagnosis(_ row: Row) -> ProgramDiagnosis {
    ProgramDiagnosis(
      command: ["program"], ending: row.ending, duration: Seconds(1),
      sampling: .init(interval: Seconds(0.05), looks: 20, processes: 1),
      peak: .unavailable("not looked at"),
      marks: .init(highWater: .unavailable("none"), atEnd: .unavailable("none")),
      group: row.kills.map {
        .measured(
          .init(
            version: 1, peak: .measured(row.charged), limitHits: .measured(row.hits),
            kills: .measured($0)))
      } ?? .unavailable("none could be made"),
      machineKills: .measured(row.machine), limits: row.limits, complaints: row.said,
      heap: .unavailable("not asked for"))
  }

  @Test(arguments: rows) func `the verdict follows from what was recorded`(row: Row) {
    #expect(Self.diagnosis(row).verdict == row.verdict)
  }

  /// 300 MiB at a look, of which 260 are anonymous.
  private static func anonymous(mark: Bytes, processes: Int) -> ProgramDiagnosis.AnonymousPeak? {
    var diagnosis = diagnosis(rows[0])
    diagnosis.peak = .measured(
      .init(
        anonymous: .mebibytes(260), file: .mebibytes(40), shared: .zero, processes: processes,
        after: Seconds(1), counting: .single))
    diagnosis.marks.atEnd = .measured(mark)
    return diagnosis.anonymousPeak.value
  }

  @Test(arguments: [
    (300, 1, 260, false), (400, 1, 360, true), (400, 2, 260, false), (200, 1, 260, false),
  ])
  func `a mark above what was seen raises the anonymous peak of one process`(
    mark: Int, processes: Int, peak: Int, isEstimate: Bool
  ) {
    let found = Self.anonymous(mark: .mebibytes(mark), processes: processes)
    #expect(found == .init(bytes: .mebibytes(peak), isEstimate: isEstimate))
  }
}
