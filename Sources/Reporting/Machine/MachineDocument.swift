import OrderedCollections
import Quantities
import Records

/// A machine for people: who it is, what it can, how fast it is, how quiet it is.
package enum MachineDocument {
  package static func make(_ report: MachineReport) -> Document {
    var document = Document("machine") { try JSONReport.data(report) }
    document.add(.fields(machine(report)))
    document.add(.heading("Capabilities", level: 2))
    document.add(.fields(capabilities(report)))
    document.add(.heading("Compute, GFLOP/s by number of threads", level: 2))
    add(compute(report.ceilings.compute), to: &document)
    document.add(.heading("Bandwidth, GB/s", level: 2))
    add(bandwidth(report.ceilings.bandwidth), to: &document)
    for level in MemoryLevel.allCases {
      if let reason = report.ceilings.unavailable?[level] {
        document.say("\(level.label) was not measured: \(reason)", .quiet)
      }
    }
    document.add(.heading("Noise", level: 2))
    document.add(.fields(noise(report.noise)))
    document.add(.heading("Conditions", level: 2))
    document.add(.fields(conditions(report.conditions)))
    return document
  }

  private static func add(_ table: Table, to document: inout Document) {
    if table.rows.isEmpty { document.say("  not measured") } else { document.add(.table(table)) }
  }

  private static func machine(_ report: MachineReport) -> [Document.Field] {
    let machine = report.machine
    return [
      .init("machine", machine.line),
      .init("caches", machine.caches.map(\.line).joined(separator: ", ")),
      .init("instructions", machine.instructionSets.joined(separator: " ")),
      .init("build", report.build.line),
      .init("clock", "one reading costs \(report.ceilings.clockCost)"),
    ]
  }

  private static func capabilities(_ report: MachineReport) -> [Document.Field] {
    report.capabilities.map { name, reading in
      switch reading {
      case .measured(let what): .init(name, what)
      case .unavailable(let reason): .init(name, "no: \(reason)", .quiet)
      }
    }
  }

  /// A row for each unit and format, a column for each number of threads.
  private static func compute(_ all: [Ceilings.Compute]) -> Table {
    let threads = OrderedSet(all.map(\.threads)).sorted()
    let rows = OrderedSet(all.map { UnitRow(unit: $0.unit, format: $0.format) })
    return Table(
      [.init("unit", .left), .init("format", .left)] + threads.map { .init("\($0)") },
      rows: rows.map { row in
        let rates = threads.map { count -> Cell in
          all.first { $0.unit == row.unit && $0.format == row.format && $0.threads == count }
            .map { .words(Rate($0.flopsPerSecond, .flops).billions) } ?? .absent
        }
        return Table.Row(.none, [.words(row.unit), .words(row.format.rawValue)] + rates)
      })
  }

  private static func bandwidth(_ all: [Ceilings.Bandwidth]) -> Table {
    Table(
      [
        .init("level", .left), .init("threads"), .init("each over"), .init("read"), .init("fill"),
        .init("nt fill"), .init("copy"),
      ],
      rows: all.map { level in
        let rates = [level.read, level.fill, level.fillNonTemporal, level.copy]
        return Table.Row(
          .none,
          [.words(level.level.label), .count(level.threads), .bytes(level.footprint)]
            + rates.map { .words(Rate($0, .bytes).billions) })
      })
  }

  /// What the marks of unsteady cases rest on.
  private static func noise(_ noise: MachineNoise) -> [Document.Field] {
    func told(_ reading: Reading<Double>) -> Reading<String> {
      reading.map {
        "the middle four fifths of \(noise.probes) probes lie within \(fixed($0 * 100, 1)) %"
      }
    }
    return [field("compute", told(noise.compute)), field("memory", told(noise.memory))]
  }

  private static func conditions(_ conditions: Conditions) -> [Document.Field] {
    let quota = conditions.quota.map { "\(significant($0.cores)) cores, by a control group" }
    return [
      field("load", conditions.load.map { fixed($0, 2) }),
      field("governor", conditions.governor),
      field("clock", conditions.clockMegahertz.map { "\(fixed($0, 0)) MHz" }),
      field("throttled", conditions.throttles.map { "\($0) times since boot" }),
      field("stolen", conditions.steal.map { "\(fixed($0 * 100, 1)) % of processor time" }),
      field("huge pages", conditions.hugePages),
      field(
        "memory", conditions.memory.map { .measured("\($0)") } ?? .unavailable("it is not told")),
      field(
        "available",
        conditions.availableMemory.map { conditions.memory?.available($0) ?? "\($0)" }),
    ] + (quota.map { [.init("quota", $0)] } ?? [])
      + conditions.warnings.map { .init("warning", $0, .warning) }
  }

  private static func field(_ name: String, _ reading: Reading<String>) -> Document.Field {
    switch reading {
    case .measured(let text): .init(name, text)
    case .unavailable(let reason): .init(name, "unavailable: \(reason)", .quiet)
    }
  }

  private struct UnitRow: Hashable {
    let unit: String
    let format: ComputeFormat
  }
}
