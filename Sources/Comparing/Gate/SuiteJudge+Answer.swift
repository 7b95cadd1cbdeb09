import RealModule
import Statistics

/// A suite as the gate leaves it: `--json`.
package struct GateAnswer: Codable, Sendable {
  package let verdict: SuiteVerdict
  package let cells: [JudgedCase]
  /// Whether base was compared with itself beside them, and looked different.
  package let null: Null

  package enum Null: String, Codable, Sendable {
    case absent, still, contaminated
  }
}

extension SuiteJudge {
  /// The verdicts, once nothing is open.
  package var answer: GateAnswer {
    let cells = cases.map(judged)
    let isContaminated = null?.isContaminated ?? false
    return GateAnswer(
      verdict: SuiteVerdict(cases: cells.map(\.verdict), isContaminated: isContaminated),
      cells: cells,
      null: null == nil ? .absent : isContaminated ? .contaminated : .still)
  }

  private func judged(_ judge: CaseJudge) -> JudgedCase {
    JudgedCase(
      name: judge.name, verdict: Self.verdict(of: judge.state),
      stage: judge.fresh.isEmpty ? .screen : .confirm, blocks: judge.differences.count,
      change: Self.change(of: judge), detectable: detectable(of: judge), reason: judge.reason)
  }

  private static func verdict(of state: CaseJudge.State) -> CaseVerdict {
    switch state {
    case .pass, .promising: .pass
    case .regressed: .regressed
    case .improved: .improved
    case .inconclusive, .screening, .suspect: .inconclusive
    }
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
