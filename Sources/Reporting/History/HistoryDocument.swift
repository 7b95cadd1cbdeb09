package import Comparing
import OrderedCollections
import Quantities
import Records

/// Cases over time, for people: a machine class each, a row a case.
package enum HistoryDocument {
  package static func make(_ series: [HistorySeries]) -> Document {
    var document = Document("history") { try JSONText.encode(series, pretty: true) }
    for (machine, group) in OrderedDictionary(grouping: series, by: \.machine) {
      document.add(.heading(machine, level: 2))
      document.add(.table(Table(columns, rows: group.map(row))))
    }
    return document
  }

  private static let columns: [Table.Column] = [
    .init("latest"), .init("results"), .init("since the first"), .init("course", .left),
    .init("crept", .left),
  ]

  /// The latest of many, its change since the first, and how it went.
  private static func row(_ series: HistorySeries) -> Table.Row {
    let medians = series.points.map(\.median)
    let (first, last) = (medians.first ?? 0, medians.last ?? 0)
    let crept = series.creep.map {
      Cell.words("\(Cell.signed($0.ratio.median - 1)) since \($0.anchor)")
    }
    return Table.Row(
      Table.Label(name: series.name),
      medians.isEmpty
        ? []
        : [
          .seconds(Seconds(last)), .count(medians.count), .change(last / first - 1),
          .words(sparkline(medians)), crept ?? .words(""),
        ])
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
