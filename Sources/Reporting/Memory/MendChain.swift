import OrderedCollections
import Quantities
import Records

/// What was tried in the place of cases that ran out of memory, one after the other.
enum MendChain {
  static func add(_ cases: [CaseReport], to document: inout Document) {
    let tried = cases.flatMap { report in report.mended.map { (mended: $0, report: report) } }
    guard !tried.isEmpty else { return }
    document.add(.heading("Tried in the place of what ran out of memory", level: 2))
    for (from, chain) in OrderedDictionary(grouping: tried, by: \.mended.from) {
      document.say(from, .quiet)
      document.add(
        .notes(
          chain.sorted { $0.mended.attempt < $1.mended.attempt }.map {
            sentence($0.mended, $0.report)
          }))
    }
  }

  /// `1: block checkpointing: fits, 377 MiB as predicted`
  private static func sentence(_ mended: Record.Mended, _ report: CaseReport) -> String {
    let start = "\(mended.attempt): \(mended.words): "
    guard report.outcome == .ok, let peak = report.memory.peak.value else {
      return start + "\(report.outcome)"
    }
    return start
      + (peak == mended.predicted
        ? "fits, \(peak) as predicted" : "fits, \(peak), and \(mended.predicted) was predicted")
  }
}
