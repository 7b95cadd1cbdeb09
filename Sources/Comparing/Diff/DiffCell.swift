import Quantities
import OrderedCollections
import RealModule
import Statistics

/// What two results say of one case.
package struct DiffCell: Codable, Sendable {
  package let name: String
  package let verdict: DiffVerdict
  /// Head's time over base's, less 1, and the interval that sessions' noise has widened.
  package let change: Change?
  /// What it may have changed by at most, where it is called the same.
  package let within: Double?
  package let base: Side
  package let head: Side
  /// Why it cannot be told, or what there is to know beside.
  package let reason: String?
  /// Figures that both sides counted: operations, allocations, bytes by role.
  package let counts: [ExactChange]
  /// Those that differ by no more than runs of one build, or a rounding, do: not compared.
  package let unstable: [String]
  /// Those that differ.
  package var changes: [ExactChange] { counts.filter { $0.base != $0.head } }

  package struct Change: Codable, Hashable, Sendable {
    /// Of all pairs of processes.
    package let median: Double
    package let low: Double?
    package let high: Double?
  }

  package struct Side: Codable, Sendable {
    package let processes: Int
    /// Seconds a call.
    package let median: Double?

    init(_ result: ResultCase) {
      processes = result.seconds.count
      median = (try? Sample(result.seconds))?.median
    }
  }

  init(
    _ name: String, _ base: ResultCase, _ head: ResultCase, isComparable: Bool, judged: DiffJudge?
  ) {
    self.name = name
    self.base = Side(base)
    self.head = Side(head)
    var counts: [ExactChange] = []
    var unstable: [String] = []
    for (metric, values) in base.counted.sorted(by: { $0.key < $1.key }) {
      let compared = head.counted[metric].flatMap {
        CountComparison(
          metric, base: values, head: $0, runs: min(base.seconds.count, head.seconds.count),
          isMean: base.means.contains(metric) || head.means.contains(metric))
      }
      switch compared {
      case .same(let count): counts.append(ExactChange(metric: metric, base: count, head: count))
      case .moved(let change): counts.append(change)
      case .unstable: unstable.append(metric)
      case nil: break
      }
    }
    self.counts = counts
    self.unstable = unstable
    func words(_ word: KeyPath<ResultCase, String?>) -> [String] {
      [("base", base[keyPath: word]), ("head", head[keyPath: word])].compactMap { side, reason in
        reason.map { "\(side): \($0)" }
      }
    }
    let (failures, skips) = (words(\.failure), words(\.skip))
    let answer = judged?.answer(base.seconds.count, head.seconds.count)
    change = answer?.change
    within = answer?.within
    var reasons = failures + skips
    if !failures.isEmpty {
      verdict = .failed
    } else if !skips.isEmpty {
      verdict = .skipped
    } else if !isComparable {
      verdict = .notComparable
    } else if let answer {
      verdict = answer.verdict
      if let reason = answer.reason { reasons.append(reason) }
    } else {
      verdict = .cannotTell
      let absences = words(\.absence)
      reasons += absences.isEmpty ? ["a side has no times"] : absences
    }
    if !unstable.isEmpty {
      reasons.append(
        "not compared, since runs of one build may differ by as much: "
          + unstable.joined(separator: ", "))
    }
    if let one = base.variant, let other = head.variant, one != other {
      reasons.append("\(other) ran, and \(one) in base")
    }
    reason = reasons.isEmpty ? nil : reasons.joined(separator: "; ")
  }
}

/// What a stored result's times may be called.
package enum DiffVerdict: String, Codable, Hashable, Sendable {
  case slower, faster, same
  case cannotTell = "cannot-tell"
  /// Another machine's.
  case notComparable = "not-comparable"
  case failed
  /// A side says that it did not run it: not judged.
  case skipped
}

/// Finds the word for one case's shift.
struct DiffJudge {
  let shift: TimeShift
  /// That of the shift, after Holm's correction over all cases.
  let probability: Double
  let cases: Int
  let fewest: Int
  /// Why it is not known what sessions differ by, where it is not.
  let withoutNoise: String?
  let rule: DiffRule

  struct Answer {
    let verdict: DiffVerdict
    let change: DiffCell.Change
    var within: Double?
    var reason: String?
  }

  func answer(_ base: Int, _ head: Int) -> Answer {
    let interval = shift.interval(risk: rule.risk)
    let change = DiffCell.Change(
      median: .expMinusOne(shift.center), low: interval.map { .expMinusOne($0.low) },
      high: interval.map { .expMinusOne($0.high) })
    func unknown(_ reason: String) -> Answer {
      Answer(verdict: .cannotTell, change: change, reason: reason)
    }
    if RankShift.leastRisk(base, head) * Double(cases) > rule.risk {
      return unknown(
        "advisory: \(counted(cases, "case needs", "cases need")) \(fewest) processes a side,"
          + " and these are \(base) and \(head)")
    }
    if let withoutNoise { return unknown("advisory: \(withoutNoise)") }
    guard let interval, let low = change.low, let high = change.high else {
      return unknown("no interval holds it")
    }
    let largest = max(abs(low), abs(high))
    if largest <= rule.tolerated { return Answer(verdict: .same, change: change, within: largest) }
    if probability <= rule.risk, interval.low > 0 || interval.high < 0 {
      return Answer(verdict: interval.low > 0 ? .slower : .faster, change: change)
    }
    if largest <= rule.detected { return Answer(verdict: .same, change: change, within: largest) }
    return unknown(
      "it may have changed by up to \(percent(largest)), and nothing is called the same beyond "
        + percent(rule.detected))
  }
}
