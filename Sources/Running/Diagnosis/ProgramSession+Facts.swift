import Foundation
import Glibc
import Measuring
import Quantities
import Records

/// What a diagnosis says of limits, counters and marks.
extension ProgramSession {
  static let unseen = "the program ended before it was looked at"

  /// - Throws: where the program did not come to run.
  func startReport() throws -> StartReport {
    guard let data = FileManager.default.contents(atPath: reportFile) else {
      throw DiagnosisFault.cannotStart(program, errno: ECHILD)
    }
    let report = try JSONText.decode(StartReport.self, from: data)
    if let code = report.errno { throw DiagnosisFault.cannotStart(program, errno: code) }
    return report
  }

  /// The kernel hands a process's mark on to the program that takes its place: this program's own, from
  /// before it was started, and its starter's.
  static func mark(_ atEnd: Bytes?, _ report: StartReport) -> Reading<Bytes> {
    guard let atEnd else { return .unavailable("the kernel told no mark at its end") }
    let before =
      [ProcessMemory.read().residentPeak.value, report.residentPeak.value]
      .compactMap(\.self).max() ?? .zero
    return atEnd > before + .mebibytes(1)
      ? .measured(atEnd)
      : .unavailable("the kernel's mark at its end, \(atEnd), is its starter's")
  }

  func groupEvents(_ report: StartReport) -> Reading<ProgramDiagnosis.GroupEvents> {
    if let failure = report.groupFailure { return .unavailable(failure) }
    return group.map { group in
      ProgramDiagnosis.GroupEvents(
        version: group.version.rawValue, peak: group.highestUsage(), limitHits: group.limitHits(),
        kills: group.outOfMemoryKills())
    }
  }

  func limits(_ seen: TreeWatch.Seen, _ report: StartReport) -> ProgramDiagnosis.Limits {
    let absence = group.reason ?? report.groupFailure
    return ProgramDiagnosis.Limits(
      asked: options.memoryLimit,
      mechanism: options.memoryLimit.map { _ in absence == nil ? .controlGroup : .dataSize },
      groupAbsence: absence, data: seen.limits?.data, addressSpace: seen.limits?.addressSpace,
      highestData: seen.highestData)
  }

  static func machineKills(since before: Reading<Int>) -> Reading<Int> {
    guard let earlier = before.value else { return before }
    return MachineKills.read().map { $0 - earlier }
  }

  static func flattened<Value>(_ reading: Reading<Reading<Value>>) -> Reading<Value> {
    switch reading {
    case .measured(let inner): inner
    case .unavailable(let reason): .unavailable(reason)
    }
  }
}
