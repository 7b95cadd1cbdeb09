import OrderedCollections
package import Records

/// Cases that ran out of memory, and what need not be tried since it is larger: only what was observed counts, and
/// only along axes that a suite declares monotone.
package struct Pruning: Sendable {
  private var failed: [PlannedCase] = []

  package init() {}

  /// - Parameter outcome: of a case that was run.
  package mutating func take(_ planned: PlannedCase, _ outcome: Outcome) {
    guard case .outOfMemory(let kind, _) = outcome, kind != .killed, !planned.monotone.isEmpty
    else {
      return
    }
    failed.append(planned)
  }

  /// Why a case need not be tried; nil where it must be.
  package func reason(for planned: PlannedCase) -> String? {
    failed.first { Self.isLarger(planned, than: $0) }.map {
      "it is larger than a case that ran out of memory: \($0.case.id)"
    }
  }

  private static func isLarger(_ planned: PlannedCase, than other: PlannedCase) -> Bool {
    guard planned.case.workload == other.case.workload,
      planned.case.axes.keys == other.case.axes.keys
    else { return false }
    return planned.case.axes.allSatisfy { name, value in
      let theirs = other.case.axes[name]
      guard other.monotone.contains(name), let own = value.number, let least = theirs?.number
      else { return value == theirs }
      return own >= least
    }
  }
}
