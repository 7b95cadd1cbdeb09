import OrderedCollections
import Quantities
package import Records
import Statistics

extension ResultSet {
  /// A run of this program: a value a process, as `Estimate` takes them.
  package init(_ run: Run) {
    self.init(
      tool: .headroom, machine: .fingerprint(run.header.machine), build: run.header.build)
    for record in run.records {
      results[ResultKey(record.case.id), default: ResultCase()].add(record)
    }
    notes += run.notes
    if run.tornLine { notes.append("the last line was cut short by a kill, and is left out") }
  }

  /// A gate's: head's times, a value a block, which is a fresh process.
  package init(_ result: GateResult) {
    self.init(tool: .headroom, machine: .fingerprint(result.machine), build: result.head)
    for cell in result.cells {
      var found = ResultCase()
      found.seconds = cell.blocks.compactMap { try? Sample($0.head).median }
      if cell.judged.verdict == .failed { found.failure = cell.judged.reason ?? "it failed" }
      if cell.judged.verdict == .skipped { found.skip = cell.judged.reason ?? "it was skipped" }
      results[ResultKey(cell.name)] = found
    }
  }
}

extension ResultCase {
  fileprivate mutating func add(_ record: Record) {
    variant = variant ?? record.variant
    if case .skipped(let reason) = record.outcome {
      skip = skip ?? reason
      return
    }
    guard record.outcome == .ok else {
      failure = failure ?? "\(record.outcome): \(record.outcome.reason ?? "no reason is known")"
      return
    }
    if let median = record.timing?.median { seconds.append(median) }
    count("flops", record.work?.flops)
    guard let memory = record.memory, !memory.ledger.phases.isEmpty else { return }
    count("allocations", memory.allocations)
    count("peak bytes", memory.ledger.peak.count)
    let held = memory.ledger.peakByRole
    // What a role does not hold is none, and may be some on the other side.
    for role in MemoryRole.allCases { count("\(role.label) bytes", (held[role] ?? .zero).count) }
  }

  mutating func count(_ figure: String, _ value: Int?) {
    if let value { counted[figure, default: []].insert(value) }
  }
}

extension Record.Timing {
  /// Seconds a call: the median of the process' merged blocks.
  fileprivate var median: Double? {
    let samples = blocks.compactMap { try? Sample($0.perCall) }
    return try? Estimate(blocks: samples).median
  }
}
