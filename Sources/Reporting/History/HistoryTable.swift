package import Comparing
import OrderedCollections
import Quantities

/// Cases over time, in 80 columns: a machine class each, a line a case.
package struct HistoryTable {
  private let series: [HistorySeries]

  package init(_ series: [HistorySeries]) { self.series = series }

  package var lines: [String] {
    var lines: [String] = []
    for (machine, group) in OrderedDictionary(grouping: series, by: \.machine) {
      let names = NamedRows(group.map(\.name))
      if !lines.isEmpty { lines.append("") }
      lines += ([machine] + names.shared).flatMap { $0.wrapped(80) } + [""]
      for one in group {
        lines += names.label(one.name).wrapped(80)
        lines.append("  " + Self.figures(of: one))
      }
    }
    return lines
  }

  /// The latest of many, its change since the first, and how it went.
  private static func figures(of series: HistorySeries) -> String {
    let medians = series.points.map(\.median)
    guard let first = medians.first, let last = medians.last else { return Column.absent }
    let count = counted(medians.count, "result")
    let creep =
      series.creep.map { "  \(GateTable.signed($0.ratio.median - 1)) since \($0.anchor)" } ?? ""
    return
      ("\(Seconds(last).description.right(9))  \(count.right(11))  "
      + "\(GateTable.signed(last / first - 1).right(9)) since the first  \(sparkline(medians))"
      + creep).trimmingTrailingBlanks
  }

  /// The last twenty, from the lowest to the highest of them.
  static func sparkline(_ values: [Double]) -> String {
    let shown = values.suffix(20)
    guard let low = shown.min(), let high = shown.max() else { return "" }
    let steps = Array("▁▂▃▄▅▆▇█")
    return String(
      shown.map { value in
        high > low ? steps[min(7, Int((value - low) / (high - low) * 8))] : steps[3]
      })
  }
}

/// Changes of level and creep, in 80 columns.
package struct HistoryChangesTable {
  private let changes: HistoryChanges

  package init(_ changes: HistoryChanges) { self.changes = changes }

  package var lines: [String] {
    var lines: [String] = []
    for change in changes.changes {
      lines += change.name.wrapped(80)
      let commit = change.at.commit.map { ", commit \($0.prefix(12))" } ?? ""
      lines +=
        ("\(GateTable.signed(change.change)) from \(change.at.added) on (result "
        + "\(change.at.entry)\(commit)), \(change.machine)").wrapped(76).map { "  " + $0 }
    }
    for creep in changes.creeps {
      lines += creep.name.wrapped(80)
      lines +=
        ("warning: crept \(GateTable.signed(creep.ratio.median - 1)) since \(creep.anchor), "
        + creep.machine).wrapped(76).map { "  " + $0 }
    }
    if !lines.isEmpty { lines.append("") }
    let short =
      changes.tooShort > 0 ? "; \(changes.tooShort) have under 10 results, too few to search" : ""
    lines +=
      ("\(changes.searched) cases searched for a level that became \(changes.direction.rawValue): "
      + "\(changes.changes.count) found, of which on average at most "
      + "\(significant(changes.falseShare * 100)) % are none\(short). Advisory: the machine's own "
      + "sessions differ, too.").wrapped(80)
    return lines
  }
}
