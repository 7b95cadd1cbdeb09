import OrderedCollections
import Quantities
import Records

/// A machine for people: who it is, what it can, how fast it is, how quiet it is.
package struct MachineTable: Sendable {
  private let report: MachineReport
  private let width: Int
  private let paint: Paint

  /// - Parameter width: no line is wider, but for a table of more than a dozen thread counts.
  package init(_ report: MachineReport, width: Int = 80, isTerminal: Bool = false) {
    self.report = report
    self.width = max(width, TerminalTable.narrowest)
    paint = Paint(isTerminal: isTerminal)
  }

  package var lines: [String] {
    machine + section("Capabilities", capabilities)
      + section("Compute, GFLOP/s by number of threads", compute)
      + section("Bandwidth, GB/s", bandwidth)
      + section("Noise", noise)
      + section("Conditions", conditions)
  }

  private func section(_ title: String, _ lines: [String]) -> [String] {
    lines.isEmpty ? [] : ["", paint.head(title)] + lines
  }

  private var machine: [String] {
    let machine = report.machine
    return field("machine", machine.line)
      + field("caches", machine.caches.map(\.line).joined(separator: ", "))
      + field("instructions", machine.instructionSets.joined(separator: " "))
      + field("build", report.build.line)
      + field("clock", "one reading costs \(report.ceilings.clockCost)")
  }

  private var capabilities: [String] {
    report.capabilities.flatMap { name, reading in
      switch reading {
      case .measured(let what): field(name, what)
      case .unavailable(let reason): field(name, "no: \(reason)", paint.quiet)
      }
    }
  }

  /// A row for each unit and format, a column for each number of threads.
  private var compute: [String] {
    let all = report.ceilings.compute
    let threads = OrderedSet(all.map(\.threads)).sorted()
    var grid = TextGrid(
      [("unit", .left), ("format", .left)] + threads.map { ("\($0)", .right) })
    let rows = OrderedSet(all.map { UnitRow(unit: $0.unit, format: $0.format) })
    for row in rows {
      let cells = threads.map { count in
        all.first { $0.unit == row.unit && $0.format == row.format && $0.threads == count }
          .map { Rate($0.flopsPerSecond, .flops).billions } ?? Column.absent
      }
      grid.append([row.unit, row.format.rawValue] + cells)
    }
    return all.isEmpty ? ["  not measured"] : grid.lines.map { "  \($0)" }
  }

  private var bandwidth: [String] {
    let all = report.ceilings.bandwidth
    var grid = TextGrid([
      ("level", .left), ("threads", .right), ("each over", .right), ("read", .right),
      ("fill", .right), ("nt fill", .right), ("copy", .right),
    ])
    for level in all {
      let rates = [level.read, level.fill, level.fillNonTemporal, level.copy]
      grid.append(
        [level.level.label, "\(level.threads)", "\(level.footprint)"]
          + rates.map { Rate($0, .bytes).billions })
    }
    return all.isEmpty ? ["  not measured"] : grid.lines.map { "  \($0)" }
  }

  /// What the marks of unsteady cases rest on.
  private var noise: [String] {
    func told(_ reading: Reading<Double>) -> Reading<String> {
      reading.map {
        "the middle four fifths of \(report.noise.probes) probes lie within \(fixed($0 * 100, 1)) %"
      }
    }
    return condition("compute", told(report.noise.compute))
      + condition("memory", told(report.noise.memory))
  }

  private var conditions: [String] {
    let conditions = report.conditions
    let lines = [
      condition("load", conditions.load.map { fixed($0, 2) }),
      condition("governor", conditions.governor),
      condition("clock", conditions.clockMegahertz.map { "\(fixed($0, 0)) MHz" }),
      condition("throttled", conditions.throttles.map { "\($0) times since boot" }),
      condition("stolen", conditions.steal.map { "\(fixed($0 * 100, 1)) % of processor time" }),
      condition("huge pages", conditions.hugePages),
      condition("available", conditions.availableMemory.map(\.description)),
    ]
    let quota = conditions.quota.map { "\(significant($0.cores)) cores, by a control group" }
    return lines.joined() + (quota.map { field("quota", $0) } ?? [])
      + conditions.warnings.flatMap { field("warning", $0, paint.warning) }
  }

  private func condition(_ name: String, _ reading: Reading<String>) -> [String] {
    switch reading {
    case .measured(let text): field(name, text)
    case .unavailable(let reason): field(name, "unavailable: \(reason)", paint.quiet)
    }
  }

  /// A name and what is to be said of it, wrapped beside it.
  private func field(
    _ name: String, _ text: String, _ painted: (String) -> String = { $0 }
  ) -> [String] {
    let start = 16
    let lead = "  " + name.left(start - 4)
    let lines = text.wrapped(width - max(start, lead.count + 2))
    return lines.enumerated().map { index, line in
      (index == 0 ? lead : "".left(lead.count)) + "  " + painted(line)
    }
  }

  private struct UnitRow: Hashable {
    let unit: String
    let format: ComputeFormat
  }
}
