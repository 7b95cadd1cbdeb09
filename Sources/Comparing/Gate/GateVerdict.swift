/// What the gate says of a case.
package enum CaseVerdict: String, Codable, Hashable, Sendable {
  case pass, regressed, improved, inconclusive
  /// It did not run to its end on one side.
  case failed
  /// Base has no such workload or axis, or head has none: not judged.
  case new, vanished
  /// Not run here: the suite says so, or this machine cannot.
  case skipped
  /// It failed, and was accepted beforehand.
  case accepted
}

extension CaseVerdict {
  package var isJudged: Bool { ![.new, .vanished, .skipped].contains(self) }
}

/// What the gate says of a suite; the first that holds, in this order.
package enum SuiteVerdict: String, Codable, Hashable, Sendable {
  case notComparable = "not-comparable"
  /// The case of base against itself looked different: the machine was too restless to judge.
  case contaminated
  case regressed
  /// What was accepted beforehand no longer regresses, or no longer may.
  case staleAcceptance = "stale-acceptance"
  case failed
  case inconclusive
  case pass
  case nothingJudged = "nothing-judged"

  /// A restless machine takes its word from times alone: what failed, and counts that grew, stay.
  package init(cases: [JudgedCase], isContaminated: Bool, hasStaleAcceptances: Bool = false) {
    let judged = cases.filter(\.verdict.isJudged)
    func has(_ verdict: CaseVerdict) -> Bool { judged.contains { $0.verdict == verdict } }
    self =
      if judged.isEmpty { .nothingJudged } else if has(.regressed) {
        .regressed
      } else if isContaminated && !has(.failed) { .contaminated } else if hasStaleAcceptances {
        .staleAcceptance
      } else if has(.failed) {
        .failed
      } else if has(.inconclusive) { .inconclusive } else { .pass }
  }
}

extension [JudgedCase] {
  /// The same, where base against itself looked different: nothing is said of times.
  func withoutTimes() -> [JudgedCase] {
    map { cell in
      cell.verdict == .regressed || cell.verdict == .improved
        ? cell.with(.inconclusive, "base against itself looked different") : cell
    }
  }
}

/// A case as the gate leaves it: what scripts read.
package struct JudgedCase: Codable, Sendable {
  package let name: String
  package let verdict: CaseVerdict
  /// What it was judged by; nil where it was not.
  package let tolerance: GateTolerance?
  package let stage: SuiteJudge.Stage
  /// How many were looked at.
  package let blocks: Int
  /// Head's time over base's, less 1: the median over blocks and its exact 95 % interval.
  package let change: Change?
  /// The slow-down that would have been seen with a probability of 99 %.
  package let detectable: Double?
  package let reason: String?
  /// What it regressed in: `time`, or names of counts.
  package let regressed: [String]

  package static let time = "time"

  init(
    name: String, verdict: CaseVerdict, tolerance: GateTolerance?, stage: SuiteJudge.Stage,
    blocks: Int, change: Change?, detectable: Double?, reason: String?, regressed: [String] = []
  ) {
    self.name = name
    self.verdict = verdict
    self.tolerance = tolerance
    self.stage = stage
    self.blocks = blocks
    self.change = change
    self.detectable = detectable
    self.reason = reason
    self.regressed = regressed
  }

  /// One that was not run on both builds.
  package static func unjudged(_ name: String, _ verdict: CaseVerdict, _ reason: String)
    -> JudgedCase
  {
    JudgedCase(
      name: name, verdict: verdict, tolerance: nil, stage: .screen, blocks: 0, change: nil,
      detectable: nil,
      reason: reason)
  }

  /// The same times, and another word for them.
  func with(_ verdict: CaseVerdict, _ reason: String?, _ regressed: [String] = [])
    -> JudgedCase
  {
    JudgedCase(
      name: name, verdict: verdict, tolerance: tolerance, stage: stage, blocks: blocks,
      change: change, detectable: detectable, reason: reason, regressed: regressed)
  }

  /// What could not be had is null: a reader finds every key.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(verdict, forKey: .verdict)
    try container.encode(tolerance, forKey: .tolerance)
    try container.encode(stage, forKey: .stage)
    try container.encode(blocks, forKey: .blocks)
    try container.encode(change, forKey: .change)
    try container.encode(detectable, forKey: .detectable)
    try container.encode(reason, forKey: .reason)
    try container.encode(regressed, forKey: .regressed)
  }

  package struct Change: Codable, Hashable, Sendable {
    package let median: Double
    package let low: Double?
    package let high: Double?
    /// A second opinion, of ranks.
    package let hodgesLehmann: Double
  }
}
