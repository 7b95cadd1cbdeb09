import Foundation
import Quantities
import Records

extension JSONReport {
  /// A program's memory and its end, as scripts read it.
  static func data(_ diagnosis: ProgramDiagnosis) throws -> Data {
    try file([
      Metric("schema", Schema.program),
      Metric("command", .list(diagnosis.command)),
      Metric("ending", .object(diagnosis.endingMetrics)),
      Metric(
        "verdict",
        .object([
          Metric("name", diagnosis.verdictName), Metric("words", diagnosis.verdictWords),
          Metric("complaints", .list(diagnosis.complaints)),
        ])),
      Metric("memory", .object(diagnosis.memoryMetrics)),
      Metric("control_group", .of(diagnosis.group) { .object($0.metrics) }),
      Metric("machine_kills", diagnosis.machineKills),
      Metric("limits", .object(diagnosis.limits.metrics)),
      Metric("heap", .of(diagnosis.heap) { .object($0.metrics) }),
    ])
  }
}

extension ProgramDiagnosis {
  fileprivate var endingMetrics: [Metric] {
    var code: Int32?
    var signal: String?
    switch ending {
    case .exited(let number): code = number
    case .signaled(let number): signal = signalName(number)
    case .timedOut: signal = "SIGKILL"
    }
    return [
      Metric("exit_code", code.map { .count(Int($0)) } ?? .none), Metric("signal", signal),
      Metric("timed_out", .flag({ if case .timedOut = ending { true } else { false } }())),
      Metric("seconds", .number(duration.value)),
    ]
  }

  fileprivate var memoryMetrics: [Metric] {
    [
      Metric("resident_peak_bytes", peak.map(\.resident)),
      Metric("anonymous_bytes", peak.map(\.anonymous)),
      Metric("file_bytes", peak.map(\.file)),
      Metric("shared_bytes", peak.map(\.shared)),
      Metric("processes_at_peak", peak.map(\.processes)),
      Metric("counting", peak.map(\.counting.rawValue)),
      Metric("peak_after_seconds", peak.map(\.after.value)),
      Metric("anonymous_peak_bytes", anonymousPeak.map(\.bytes)),
      Metric("anonymous_peak_is_estimate", anonymousPeak.map(\.isEstimate)),
      Metric("high_water_bytes", marks.highWater),
      Metric("at_end_bytes", marks.atEnd),
      Metric("processes", .count(sampling.processes)),
      Metric("looks", .count(sampling.looks)),
      Metric("interval_seconds", .number(sampling.interval.value)),
    ]
  }
}

extension ProgramDiagnosis.GroupEvents {
  fileprivate var metrics: [Metric] {
    [
      Metric("version", .count(version)), Metric("peak_bytes", peak),
      Metric("limit_hits", limitHits), Metric("kills", kills),
    ]
  }
}

extension ProgramDiagnosis.Limits {
  fileprivate var metrics: [Metric] {
    func bytes(_ name: String, _ bytes: Bytes?) -> Metric {
      Metric(name, bytes.map { .count($0.count) } ?? .none)
    }
    return [
      bytes("asked_bytes", asked), Metric("mechanism", mechanism?.rawValue),
      Metric("no_control_group_because", groupAbsence), bytes("data_bytes", data),
      bytes("address_space_bytes", addressSpace), bytes("highest_data_bytes", highestData),
    ]
  }
}

extension HeapUse {
  fileprivate var metrics: [Metric] {
    [
      Metric("process", .count(Int(process))), Metric("in_use_bytes", .count(inUse.count)),
      Metric("interval_bytes", .count(interval.count)), Metric("is_sampled", .flag(isSampled)),
      Metric("others_bytes", .count(others.count)),
      Metric("sites", .stored(sites.map { Metric.Value.object($0.metrics) })),
    ]
  }
}

extension HeapUse.Site {
  fileprivate var metrics: [Metric] {
    frame.metrics + [
      Metric("bytes", .count(bytes.count)), Metric("objects", .count(objects)),
      Metric("callers", .stored(callers.map { Metric.Value.object($0.metrics) })),
    ]
  }
}

extension ProgramFrame {
  fileprivate var metrics: [Metric] {
    [Metric("function", function), Metric("object", object), Metric("source", source)]
  }
}
