package import Quantities

/// What a case's blocks told beside their times, and how the suite takes it.
package struct CaseFindings: Codable, Sendable {
  package var exact: ExactComparison?
  /// How much counts may grow.
  package var budget: ExactBudget = [:]
  /// Whether other bits in the results fail the case, rather than being noted.
  package var areOutputsExact = false
  /// Why a side did not end well.
  package var failure: String?
  /// The time after which the gate ran no more blocks, where that ended the case.
  package var limit: Seconds?

  package init() {}

  /// The counts that grew by more than they may.
  package var grown: [ExactChange] {
    (exact?.changes ?? []).filter { change in
      change.isWorse
        && !(budget[change.figure]?.allows(from: change.base, to: change.head) ?? false)
    }
  }

  /// The verdict on times, and over it what is beside them.
  func judged(_ timing: JudgedCase) -> JudgedCase {
    if let failure { return timing.with(.failed, failure) }
    var metrics = timing.verdict == .regressed ? [JudgedCase.time] : []
    var reasons = [timing.reason].compactMap(\.self)
    if let limit, timing.verdict == .inconclusive {
      reasons.append("its time of \(limit) was over")
    }
    for change in grown {
      metrics.append(change.metric)
      reasons.append("\(change.metric) went from \(change.base) to \(change.head)")
    }
    if let unstable = exact?.unstable, !unstable.isEmpty {
      let noun = unstable.count == 1 ? "differs" : "differ"
      reasons.append(
        "\(unstable.joined(separator: ", ")) \(noun) from run to run of one build: not compared")
    }
    if exact?.outputChanged == true {
      if areOutputsExact { metrics.append("output") }
      reasons.append("the results' bits changed")
    }
    return timing.with(
      metrics.isEmpty ? timing.verdict : .regressed,
      reasons.isEmpty ? nil : reasons.joined(separator: "; "), metrics)
  }
}

extension ExactChange {
  var figure: ExactFigure {
    ExactFigure(rawValue: metric) ?? .bytes
  }
}
