import OrderedCollections
import Records

/// Cases that were not run, or will not be: a sentence for each reason, with what its cases share.
enum SkippedCases {
  /// - Parameter all: every case of the table that these are left out of.
  static func sentences(_ skipped: [(case: Case, reason: String)], of all: [Case]) -> [String] {
    if skipped.isEmpty { return [] }
    let labels = RowLabels(all.map { .asked($0) }, room: 0)
    return OrderedDictionary(grouping: skipped, by: \.reason).map { reason, group in
      let shared = labels.words(sharedBy: group.map(\.case))
      let count = group.count == 1 ? "" : "\(group.count) cases"
      let which = [count, shared].filter { !$0.isEmpty }.joined(separator: " of ")
      return "skipped: \(which): \(reason)"
    }
  }
}
