import Quantities
package import Records

/// What was live over a case's time, as a small chart: a line a point, with a bar.
package enum TimelineSection {
  /// The most lines that a chart has.
  package static let lines = 20
  private static let barWidth = 24

  /// - Parameter level: of the heading above it; without one there is no heading.
  /// - Returns: nothing where there is no point.
  package static func elements(of timeline: [Record.TimelinePoint], level: Int? = nil)
    -> [Document.Element]
  {
    let points = shown(timeline)
    guard !points.isEmpty else { return [] }
    let heading = level.map { Document.Element.heading("What was live, over the time", level: $0) }
    return [heading, .table(table(points))].compactMap(\.self)
  }

  /// So many that they can be looked over: where phases begin, the highest and the last among them.
  static func shown(_ timeline: [Record.TimelinePoint]) -> [Record.TimelinePoint] {
    let totals = timeline.map(\.total.count)
    let highest = totals.indices.max { (totals[$0], $1) < (totals[$1], $0) }
    let places = thinned(
      timeline.count, to: lines,
      mustStay: { place in
        place == highest || place == timeline.count - 1 || isFirst(place, timeline)
      },
      told: { abs(totals[$1] - totals[$0]) + (timeline[$1].mark == nil ? 0 : 1 << 50) })
    return places.map { timeline[$0] }
  }

  /// Whether its phase begins with it.
  private static func isFirst(_ index: Int, _ timeline: [Record.TimelinePoint]) -> Bool {
    timeline.firstIndex { $0.phase == timeline[index].phase } == index
  }

  private static func table(_ points: [Record.TimelinePoint]) -> Table {
    let highest = points.map(\.total).max() ?? .zero
    return Table(
      [
        .init("at"), .init("phase", .left), .init("mark", .left), .init("live"), .init("", .left),
      ],
      rows: points.map { point in
        Table.Row(
          .none,
          [
            .seconds(Seconds(point.seconds)), .words(point.phase.rawValue),
            .words(point.mark ?? ""), .bytes(point.total),
            .words(bar(point.total, of: highest)),
          ], tone: point.total == highest ? .strong : .plain)
      })
  }

  /// In eighths of a character.
  private static func bar(_ bytes: Bytes, of highest: Bytes) -> String {
    guard highest > .zero else { return "" }
    let share = Double(bytes.count) / Double(highest.count)
    let eighths = Int((share * Double(8 * barWidth)).rounded())
    let parts = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
    return String(repeating: "█", count: eighths / 8) + parts[eighths % 8]
  }
}
