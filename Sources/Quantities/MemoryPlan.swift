/// What is live in each phase, by role: a prediction, or what a ledger saw.
package struct MemoryPlan: Hashable, Codable, Sendable {
  /// The maximum that lives at one time in a phase; a phase without an entry holds nothing.
  package var phases: [MemoryPhase: [MemoryRole: Bytes]]

  package init(_ phases: [MemoryPhase: [MemoryRole: Bytes]]) {
    self.phases = phases.mapValues { $0.filter { $0.value > .zero } }
  }

  /// The bytes at the peak of one phase.
  package func total(in phase: MemoryPhase) -> Bytes {
    (phases[phase] ?? [:]).values.reduce(.zero, +)
  }

  /// The phase that holds most; the earliest of equals.
  package var peakPhase: MemoryPhase {
    var best = MemoryPhase.operands
    for phase in MemoryPhase.allCases where total(in: phase) > total(in: best) { best = phase }
    return best
  }

  /// The maximum over phases: never a sum of parts that do not live together.
  package var peak: Bytes { total(in: peakPhase) }

  /// What lives at the peak.
  package var byRole: [MemoryRole: Bytes] { phases[peakPhase] ?? [:] }

  /// The maximum that each role holds in any phase.
  package var peakByRole: [MemoryRole: Bytes] {
    phases.values.reduce(into: [:]) { peaks, phase in peaks.merge(phase) { max($0, $1) } }
  }
}
