import Quantities
package import Records

/// A program's memory and its end, for people.
package enum ProgramDiagnosisDocument {
  package static func make(_ diagnosis: ProgramDiagnosis) -> Document {
    var document = Document("diagnosis") { try JSONReport.data(diagnosis) }
    document.say(
      "\(line(diagnosis.command)): \(diagnosis.endingWords), after "
        + "\(diagnosis.duration).", .strong, for: .terminal)
    document.add(.heading("Memory of a program", level: 2), for: .page)
    document.add(
      .fields([.init("command", line(diagnosis.command))]), for: .page)
    document.add(
      .fields([.init("ending", "\(diagnosis.endingWords), after \(diagnosis.duration)")]),
      for: .page)
    document.say(diagnosis.verdictWords, diagnosis.ending.isGood ? .plain : .failure)
    document.add(.fields(fields(diagnosis)))
    document.add(.heading("Allocated memory, by the functions that asked for it", level: 2))
    switch diagnosis.heap {
    case .measured(let heap):
      document.say(account(heap, diagnosis.anonymousPeak))
      document.add(.table(table(heap)))
    case .unavailable(let reason): document.say("It was not recorded: \(reason).", .quiet)
    }
    document.add(.notes(notes(diagnosis)))
    return document
  }

  private static func fields(_ diagnosis: ProgramDiagnosis) -> [Document.Field] {
    var fields = [
      field("resident", diagnosis.peak.map(peak)),
      .init("processes", processes(diagnosis)),
      .init("kernel mark", marks(diagnosis)),
    ]
    if case .measured(let anonymous) = diagnosis.anonymousPeak, anonymous.isEstimate {
      fields.append(
        .init(
          "anonymous",
          "\(anonymous.bytes), an estimate: the mark without the files' pages at the peak"))
    }
    fields.append(field("group", diagnosis.group.map(group)))
    if let limit = limit(diagnosis.limits) { fields.append(.init("limit", limit)) }
    return fields
  }

  private static func line(_ command: [String]) -> String {
    command.map(shellQuoted).joined(separator: " ")
  }

  private static func peak(_ peak: ProgramDiagnosis.ResidentPeak) -> String {
    "\(peak.resident) at the highest look: \(peak.anonymous) anonymous, \(peak.file) of files, \(peak.shared) shared; "
      + "seen after \(peak.after)"
  }

  private static func processes(_ diagnosis: ProgramDiagnosis) -> String {
    let sampling = diagnosis.sampling
    let peak = diagnosis.peak.value.map { "\($0.processes) at the peak, " } ?? ""
    let looks =
      "\(counted(sampling.looks, "look")), every \(sampling.interval) and at first more often"
    return "\(peak)\(sampling.processes) seen in all, in \(looks)"
  }

  private static func marks(_ diagnosis: ProgramDiagnosis) -> String {
    let marks = diagnosis.marks
    let highWater =
      marks.highWater.value.map { "\($0) (VmHWM of the first process, when last read)" }
      ?? "no VmHWM: \(marks.highWater.reason ?? "")"
    let whose = diagnosis.sampling.processes > 1 ? ", of it or one that it waited for" : ""
    let atEnd =
      marks.atEnd.value.map { "\($0) at its end (ru_maxrss\(whose))" }
      ?? marks.atEnd.reason ?? ""
    return "\(highWater); \(atEnd)"
  }

  private static func group(_ events: ProgramDiagnosis.GroupEvents) -> String {
    let peak =
      events.peak.value.map { "at most \($0) charged to its control group, page cache included" }
      ?? events.peak.reason ?? ""
    let kills =
      events.kills.value.map { "\(counted($0, "process", "processes")) killed for memory" }
      ?? events.kills.reason ?? ""
    // Some kernels count none where they kill at once.
    let hits = events.limitHits.value ?? 0
    let full = hits > 0 ? "; its limit was hit \(counted(hits, "time"))" : ""
    return "\(peak)\(full); \(kills)"
  }

  private static func limit(_ limits: ProgramDiagnosis.Limits) -> String? {
    guard let asked = limits.asked else { return nil }
    return switch limits.mechanism {
    case .controlGroup: "\(asked) over all its processes, by a control group"
    default: "\(asked) over the data of each process (RLIMIT_DATA)"
    }
  }

  private static func field(_ name: String, _ reading: Reading<String>) -> Document.Field {
    switch reading {
    case .measured(let text): .init(name, text)
    case .unavailable(let reason): .init(name, "unavailable: \(reason)", .quiet)
    }
  }
}
