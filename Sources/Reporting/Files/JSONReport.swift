package import Foundation
import Records

/// The derived numbers that scripts read: strict JSON, SI base units, `snake_case`.
///
/// Sections are always objects, and a number that could not be had is `null` beside the reason.
package enum JSONReport {
  package static func data(_ report: Report) throws -> Data {
    let header = report.header
    let cases = report.cases.map { report in
      Metric.Value.object(
        [
          Metric("id", report.case.id),
          Metric("workload", report.case.workload),
          Metric("axes", .stored(Axes(report.case))),
        ] + report.metrics)
    }
    return try file([
      Metric("schema", Schema.report),
      Metric("suite", .object(header.suite.metrics)),
      Metric("notes", .object(header.notes.map { Metric($0.key, $0.value) })),
      Metric(
        "machine", .stored(MeasuredMachine(machine: header.machine, ceilings: header.ceilings))),
      Metric("build", .object(header.build.metrics)),
      Metric("conditions", .object(header.conditions.metrics)),
      Metric("warnings", .list(report.warnings)),
      Metric("cases", .stored(cases)),
    ])
  }

  /// The same words for a machine that nothing was run on yet.
  package static func data(_ report: MachineReport) throws -> Data {
    try file([
      Metric("schema", Schema.report),
      Metric(
        "machine", .stored(MeasuredMachine(machine: report.machine, ceilings: report.ceilings))),
      Metric(
        "capabilities",
        .object(report.capabilities.map { Metric($0.key, $0.value) })),
      Metric("build", .object(report.build.metrics)),
      Metric("conditions", .object(report.conditions.metrics)),
      Metric(
        "noise",
        .object([
          Metric("probes", .stored(report.noise.probes)),
          Metric("compute", report.noise.compute),
          Metric("memory", report.noise.memory),
        ])),
    ])
  }

  static func file(_ metrics: [Metric]) throws -> Data {
    var data = try JSONText.encode(Metric.Value.object(metrics), pretty: true)
    data.append(UInt8(ascii: "\n"))
    return data
  }

  /// Axis values by name, numbers as numbers.
  private struct Axes: Encodable {
    let values: [String: AxisValue]

    init(_ case: Case) {
      values = Dictionary(uniqueKeysWithValues: `case`.axes.map { ($0.key, $0.value) })
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      try container.encode(values)
    }
  }
}
