package import Quantities
import RealModule
import Statistics

/// A suite as the gate leaves it: `--json`.
package struct GateAnswer: Codable, Sendable {
  package let verdict: SuiteVerdict
  package let cells: [JudgedCase]
  /// Whether base was compared with itself beside them, and looked different.
  package let null: Null
  /// By how much relinking alone moves times; nil where timings came without a word of it.
  package let relinkFloor: Reading<Double>?
  /// Acceptances that are of no use any more, in words.
  package let staleAcceptances: [String]

  package init(
    verdict: SuiteVerdict, cells: [JudgedCase], null: Null, relinkFloor: Reading<Double>? = nil,
    staleAcceptances: [String] = []
  ) {
    self.staleAcceptances = staleAcceptances
    self.relinkFloor = relinkFloor
    self.verdict = verdict
    self.cells = cells
    self.null = null
  }

  package enum Null: String, Codable, Sendable {
    case absent, still, contaminated
  }
}

extension SuiteJudge {
  /// The verdicts, once nothing is open.
  package var answer: GateAnswer {
    var rates: [RateKey: Double?] = [:]
    let isContaminated = null?.isContaminated ?? false
    let timed = cases.indices.map { judged($0, &rates) }
    let cells = isContaminated ? timed.withoutTimes() : timed
    return GateAnswer(
      verdict: SuiteVerdict(cases: cells, isContaminated: isContaminated),
      cells: cells,
      null: null == nil ? .absent : isContaminated ? .contaminated : .still)
  }

  /// What a rate of successes is asked for; cases share them.
  private struct RateKey: Hashable {
    let evidence: Double
    let blocks: Int
  }

  private func judged(_ index: Int, _ rates: inout [RateKey: Double?]) -> JudgedCase {
    let judge = cases[index]
    return JudgedCase(
      name: judge.name, verdict: judge.state.verdict, tolerance: judge.tolerance,
      stage: judge.fresh.isEmpty ? .screen : .confirm, blocks: judge.differences.count,
      change: Self.change(of: judge), detectable: detectable(index, &rates),
      reason: judge.reason, regressed: judge.state == .regressed ? [JudgedCase.time] : [])
  }

  /// The slow-down that a case would have failed for with a probability of 99 %, given the noise that
  /// it showed; none where so few blocks cannot tell.
  ///
  /// A share π of differences must lie above what is tolerated for the evidence to get there; the
  /// slow-down that lifts so many above it follows from their spread about their median. Slowed by so
  /// much, the case looks slower, and has those that do beside it.
  private func detectable(_ index: Int, _ rates: inout [RateKey: Double?]) -> Double? {
    let judge = cases[index]
    guard let sample = try? Sample(judge.differences), sample.count >= rule.screenLeast else {
      return nil
    }
    let key = RateKey(
      evidence: failingEvidence(of: index),
      blocks: judge.fresh.count > rule.confirmUsual ? rule.confirmMost : rule.confirmUsual)
    let known =
      rates[key] ?? SignEProcess.rate(reaching: key.evidence, within: key.blocks, power: 0.99)
    rates[key] = known
    guard let rate = known else { return nil }
    let rank = Int((1 - rate) * Double(sample.count))
    return .expMinusOne(judge.tolerance.low - (sample.sorted[rank] - sample.median))
  }

  private static func change(of judge: CaseJudge) -> JudgedCase.Change? {
    guard let sample = try? Sample(judge.differences) else { return nil }
    let interval = Interval(ofMedianOf: sample, counting: "blocks").value
    return JudgedCase.Change(
      median: .expMinusOne(sample.median), low: interval.map { .expMinusOne($0.low) },
      high: interval.map { .expMinusOne($0.high) },
      hodgesLehmann: .expMinusOne(HodgesLehmann.center(of: sample)))
  }
}

extension CaseJudge.State {
  var verdict: CaseVerdict {
    switch self {
    case .pass, .promising: .pass
    case .regressed: .regressed
    case .improved: .improved
    case .inconclusive, .screening, .suspect: .inconclusive
    }
  }
}
