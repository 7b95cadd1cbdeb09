package import MemoryPlanning
package import Records
import Statistics

/// Cases by which the price of changes is measured: a setting with and without each, of a few layers, in turns.
///
/// A step's time grows by the same for each layer, so that two counts of layers tell that of any.
package struct PricePlan: Sendable {
  package let plan: Plan
  /// Each with the ids of its cases.
  package let pairs: [Pair]
  package let layers: Int
  private static let few = [2, 5]

  package struct Pair: Sendable {
    package let mend: Mend
    /// By the count of layers: the case without the change, and with it.
    package let cases: [(layers: Int, before: String, after: String)]
  }

  /// - Returns: nil where the setting is no step of training of this program, or no change can be measured.
  /// - Throws: a fault of the setting.
  package init?(_ setting: FitSetting, _ mends: [Mend], threads: Int, options: MeasureOptions)
    throws
  {
    guard try setting.runtime() == .headroom, setting.workload == "training-step" else {
      return nil
    }
    let axes = try setting.axes()
    layers = axes["layers"].flatMap { Int($0) } ?? 1
    let counts = layers <= Self.few[1] ? [layers] : Self.few
    let planner = Planner(cores: threads)
    func planned(_ changes: [String: String?], _ count: Int) throws -> Plan {
      var values = axes
      for (key, value) in changes { values[key] = value }
      values["layers"] = "\(count)"
      let suite = try Suite(
        inlineWorkload: setting.workload,
        axes: values.keys.sorted().map { "\($0)=\(values[$0] ?? "")" })
      return try planner.plan(suite, options: options)
    }
    var (units, pairs) = ([[PlannedCase]](), [Pair]())
    var whole: Plan?
    for mend in mends {
      let found = counts.compactMap { count -> (Int, PlannedCase, PlannedCase, Plan)? in
        guard let before = try? planned([:], count), let after = try? planned(mend.changes, count),
          let one = before.cases.first, let other = after.cases.first, one.case.id != other.case.id
        else { return nil }
        return (count, one, other, before)
      }
      guard found.count == counts.count else { continue }
      for (_, before, after, plan) in found {
        units.append([before, after])
        whole = whole ?? plan
      }
      pairs.append(
        Pair(mend: mend, cases: found.map { ($0.0, $0.1.case.id, $0.2.case.id) }))
    }
    guard let whole else { return nil }
    self.plan = whole.holding(units)
    self.pairs = pairs
  }

  /// The prices by the words of changes, from what a run of the plan recorded.
  package func prices(_ records: [Record]) -> [String: MendPrice] {
    var found: [String: MendPrice] = [:]
    var place = 0
    for pair in pairs {
      var points: [Point] = []
      for one in pair.cases {
        let own = records.filter { $0.group == place && $0.outcome == .ok }
        place += 1
        guard let before = own.last(where: { $0.case.id == one.before }),
          let after = own.last(where: { $0.case.id == one.after }),
          let seconds = before.medianCall, let ratio = after.ratio(to: before)
        else { continue }
        points.append(Point(layers: one.layers, seconds: seconds, ratio: ratio))
      }
      guard points.count == pair.cases.count, let ratio = ratio(of: points) else { continue }
      let counts = points.map { "\($0.layers)" }.joined(separator: " and ")
      found[pair.mend.words] = MendPrice(ratio, .measured("in turns with \(counts) layers"))
    }
    return found
  }

  /// A pair at one count of layers: seconds without the change, and the ratio that turns tell.
  private struct Point {
    let layers: Int
    let seconds: Double
    let ratio: Double
  }

  /// The ratio at all layers.
  private func ratio(of points: [Point]) -> Double? {
    guard let first = points.first, let last = points.last else { return nil }
    guard last.layers > first.layers else { return last.ratio }
    func whole(_ time: (Point) -> Double) -> Double {
      let layer = (time(last) - time(first)) / Double(last.layers - first.layers)
      return time(last) + layer * Double(layers - last.layers)
    }
    let ratio = whole { $0.seconds * $0.ratio } / whole(\.seconds)
    // What the machine did between both pairs is no part of it: the larger one alone stands then.
    let ends = [first.ratio, last.ratio].sorted()
    return ratio > ends[0] * 0.85 && ratio < ends[1] * 1.15 ? ratio : last.ratio
  }
}

extension Plan {
  /// The same options for other cases, of which each unit is sampled in turns.
  func holding(_ units: [[PlannedCase]]) -> Plan {
    let cases = units.enumerated().flatMap { index, unit in unit.map { $0.grouped(index) } }
    return Plan(suite: suite, measure: measure, cases: cases, skips: [], notes: [])
  }
}

extension Record {
  /// Seconds of a call: the median of its blocks' medians.
  var medianCall: Double? { median(rounds.values.map { $0 }) }

  /// Block medians by their turns.
  private var rounds: [Int: Double] {
    (timing?.blocks ?? []).reduce(into: [:]) { $0[$1.round] = median($1.perCall) }
  }

  /// The median over turns of a block's time over another case's in the same turn.
  fileprivate func ratio(to other: Record) -> Double? {
    let theirs = other.rounds
    return median(rounds.compactMap { round, own in theirs[round].map { own / $0 } })
  }
}

/// Nil where there is no number, or one that is not finite.
func median(_ numbers: [Double]) -> Double? { (try? Sample(numbers))?.median }
