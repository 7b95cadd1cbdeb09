package import MemoryPlanning
package import Records

/// What changes of a setting cost in time, by pairs of cases that a run has measured: each pair differs in what is
/// changed alone.
package struct MeasuredPrices: Sendable {
  /// By the words of a change.
  package private(set) var prices: [String: MendPrice] = [:]

  /// - Throws: a fault of the setting.
  package init(_ runs: [Run], _ setting: FitSetting) throws {
    let axes = try setting.axes()
    let solver = FitSolver()
    var timed: [[String: String]: Double] = [:]
    for record in runs.flatMap(\.records) where record.case.workload == setting.workload {
      guard case .ok = record.outcome, record.medianCall != nil else {
        continue
      }
      let own = Dictionary(
        uniqueKeysWithValues: record.case.axes.map { ($0.key, $0.value.text) })
      timed[own] = record.medianCall
    }
    for mend in try solver.mends(of: setting) {
      let changes = mend.changes.compactMapValues { $0 }
      let ratios = timed.compactMap { case_, before -> Double? in
        let isBase = changes.keys.allSatisfy { key in
          key == "batch" || key == "accumulation" || case_[key] == axes[key]
            || (axes[key] == nil && case_[key] == Self.usual[key])
        }
        guard isBase, let after = timed[Self.changed(case_, changes)] else { return nil }
        return after / before
      }
      guard let median = median(ratios) else { continue }
      prices[mend.words] = MendPrice(
        median, .measured("\(ratios.count) \(ratios.count == 1 ? "pair" : "pairs") of cases"))
    }
  }

  /// What an axis is where it is left out.
  private static let usual = [
    "checkpointing": "none", "loss": "whole", "precision": "fp32", "optimizer": "adamw",
    "update": "separate", "adapter": "none", "base": "fp32", "attention": "tiled",
  ]

  private static func changed(_ case_: [String: String], _ changes: [String: String]) -> [String:
    String]
  {
    var other = case_
    guard let batch = changes["batch"].flatMap({ Int($0) }),
      let parts = changes["accumulation"].flatMap({ Int($0) }),
      let own = case_["batch"].flatMap({ Int($0) }), batch > 0, parts > 0
    else { return case_.merging(changes) { $1 } }
    // Any batch that is halved as often as the setting's is.
    let times = parts / max(1, Int(case_["accumulation"] ?? "1") ?? 1)
    other["batch"] = "\(own / max(1, times))"
    other["accumulation"] = "\(parts)"
    return other
  }
}
