import RealModule
import Statistics

/// Where cases changed their level over time: advisory, since sessions differ by themselves.
package struct HistoryChanges: Codable, Sendable {
  package let changes: [Change]
  /// Cases that have crept away from a pinned build by more than must be detected.
  package let creeps: [Creep]
  /// Series that were searched, and those that are too short to be.
  package let searched: Int
  package let tooShort: Int
  package let direction: Direction
  /// Of all changes that are told, on average no larger share is false.
  package let falseShare: Double

  package enum Direction: String, Codable, CaseIterable, Sendable {
    case slower, faster
  }

  package struct Change: Codable, Sendable {
    package let name: String
    package let machine: String
    /// The first point of the new level.
    package let at: HistorySeries.Point
    /// New level over old, less 1.
    package let change: Double
    /// After Benjamini and Hochberg's correction.
    package let probability: Double
  }

  package struct Creep: Codable, Sendable {
    package let name: String
    package let machine: String
    package let anchor: String
    package let ratio: HistorySeries.Ratio
  }

  package init(
    in series: [HistorySeries], direction: Direction, falseShare: Double = 0.05,
    creepFrom: Double = GateTolerance.standard.detected
  ) {
    self.direction = direction
    self.falseShare = falseShare
    let long = series.filter { $0.points.count >= 2 * ChangePoint.fewest }
    searched = long.count
    tooShort = series.count - long.count
    // Those of the other direction are not judged, so they are no part of the family, either.
    let found = long.flatMap { series in
      Self.splits(of: series.points.map { .log($0.median) }, from: 0)
        .filter { direction == .slower ? $0.after > $0.before : $0.after < $0.before }
        .map { (series, $0) }
    }
    let adjusted = Multiplicity.benjaminiHochberg(found.map(\.1.probability))
    changes = zip(found, adjusted).filter { $1 <= falseShare }.map { found, probability in
      Change(
        name: found.0.name, machine: found.0.machine, at: found.0.points[found.1.index],
        change: .expMinusOne(found.1.after - found.1.before), probability: probability)
    }
    creeps = series.compactMap { series in
      guard let (anchor, ratio) = series.creep, ratio.median > 1 + creepFrom else { return nil }
      return Creep(name: series.name, machine: series.machine, anchor: anchor, ratio: ratio)
    }
  }

  private struct Split {
    let index: Int
    let probability: Double
    let before: Double
    let after: Double
  }

  /// The best split of a stretch, and where it stands those of both its sides.
  private static func splits(of values: [Double], from start: Int) -> [Split] {
    guard let point = ChangePoint(in: values) else { return [] }
    let split = Split(
      index: start + point.index, probability: point.probability, before: point.before,
      after: point.after)
    guard point.probability <= 0.05 else { return [split] }
    return splits(of: Array(values[..<point.index]), from: start) + [split]
      + splits(of: Array(values[point.index...]), from: start + point.index)
  }
}
