/// One case on one class of machines, over time.
package struct HistorySeries: Codable, Sendable {
  package let name: String
  package let machine: String
  package private(set) var points: [Point] = []

  init(name: String, machine: String) {
    self.name = name
    self.machine = machine
  }

  mutating func append(_ point: Point) { points.append(point) }

  package struct Point: Codable, Sendable {
    /// The history's number of the file.
    package let entry: Int
    package let added: String
    package let commit: String?
    /// Seconds a call.
    package let median: Double
    package let anchor: String?
    package let ratio: Ratio?
  }

  /// Head's time over base's.
  package struct Ratio: Codable, Sendable {
    package let median: Double
    package let low: Double?
    package let high: Double?
  }

  /// How much slower the latest is than a pinned build, measured beside it: small steps add up.
  package var creep: (anchor: String, ratio: Ratio)? {
    for point in points.reversed() {
      if let anchor = point.anchor, let ratio = point.ratio { return (anchor, ratio) }
    }
    return nil
  }
}
