import OrderedCollections
package import Planning
import Quantities
import Records

/// What is to be said of a plan's cases that are predicted not to fit.
package enum Misfits {
  /// A sentence for each limit that some case passes:
  /// `2 of 5 cases will not fit: they need 133 GiB to 140 GiB, the limit is 24.0 GiB (memory-limit)`.
  package static func sentences(of plan: Plan) -> [String] {
    let found = plan.misfits.compactMap { planned in planned.misfit.map { (planned, $0) } }
    let groups = OrderedDictionary(grouping: found) { Limit(bytes: $0.1.limit, owner: $0.1.owner) }
    return groups.map { limit, cases in
      let ordered = cases.sorted { $0.1.needed < $1.1.needed }
      let ends = ordered.count == 1 ? [ordered[0]] : [ordered[0], ordered[ordered.count - 1]]
      let needs = ends.map { "\($0.1.needed)" }.joined(separator: " to ")
      let verb = cases.count == 1 ? "it needs" : "they need"
      return "\(cases.count) of \(counted(plan.cases.count, "case")) will not fit: \(verb) "
        + "\(needs), the limit is \(limit.bytes) (\(limit.owner))"
    }
  }

  private struct Limit: Hashable {
    let bytes: Bytes
    let owner: String
  }
}
