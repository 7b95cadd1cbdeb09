package import Quantities

/// What a setting takes: a best estimate between two bounds, which are equal where it is exact.
package struct MemoryAnswer: Hashable, Sendable {
  package let low: Bytes
  package let best: Bytes
  package let high: Bytes
  /// The phase of the peak, and what is computed at it.
  package let phase: String
  package let place: String
  /// The most of each phase, in the order in which they come.
  package let phases: [Phase]
  /// What lives at the peak.
  package let byRole: [MemoryRole: Bytes]
  /// What that is made of, the largest first; empty unless it was asked for.
  package let terms: [Term]

  package struct Phase: Hashable, Sendable {
    package let name: String
    package let bytes: Bytes
  }

  package struct Term: Hashable, Sendable {
    package let name: String
    package let role: MemoryRole
    package let bytes: Bytes
    /// How it comes about, with its numbers put in.
    package let formula: String
  }

  package init(
    low: Bytes, best: Bytes, high: Bytes, phase: String, place: String, phases: [Phase],
    byRole: [MemoryRole: Bytes], terms: [Term] = []
  ) {
    (self.low, self.best, self.high) = (low, best, high)
    (self.phase, self.place, self.phases) = (phase, place, phases)
    self.byRole = byRole
    self.terms = terms.sorted { ($1.bytes, $0.name) < ($0.bytes, $1.name) }
  }

  /// An exact one, from what is live in each phase.
  package init(_ plan: MemoryPlan, place: String = "", terms: [Term] = []) {
    self.init(
      low: plan.peak, best: plan.peak, high: plan.peak, phase: plan.peakPhase.rawValue,
      place: place,
      phases: MemoryPhase.allCases.filter { plan.phases[$0] != nil }.map {
        Phase(name: $0.rawValue, bytes: plan.total(in: $0))
      }, byRole: plan.byRole, terms: terms)
  }

  package var isExact: Bool { low == high }

  /// The same with another upper bound: what a budget must have.
  package func needing(_ bytes: Bytes) -> MemoryAnswer {
    MemoryAnswer(
      low: low, best: best, high: max(high, bytes), phase: phase, place: place, phases: phases,
      byRole: byRole, terms: terms)
  }

  /// What it is against a limit.
  package func verdict(in limit: Bytes) -> MemoryVerdict {
    if high <= limit { return .fits }
    return low > limit ? .doesNot : .cannotTell
  }
}

/// Whether a setting fits a limit, where that can be told.
package enum MemoryVerdict: String, Sendable {
  case fits
  case doesNot = "does not fit"
  case cannotTell = "cannot tell"
}
