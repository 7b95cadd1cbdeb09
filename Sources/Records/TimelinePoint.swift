package import Quantities

extension Record {
  /// What was live at one moment of a case's life, from when it began to allocate.
  package struct TimelinePoint: Hashable, Codable, Sendable {
    package var seconds: Double
    package var phase: MemoryPhase
    /// What else begins or happens: `layer 3`, `refused`. Where there is none, the phase begins, or more is
    /// live than ever before.
    package var mark: String?
    package var live: [MemoryRole: Bytes]

    package init(
      seconds: Double, phase: MemoryPhase, mark: String? = nil, live: [MemoryRole: Bytes]
    ) {
      self.seconds = seconds
      self.phase = phase
      self.mark = mark
      self.live = live
    }

    package var total: Bytes { live.values.reduce(.zero, +) }

    /// The most that one record has.
    package static let limit = 64

    package static func defect(of points: [TimelinePoint]) -> String? {
      if points.count > limit { return "its timeline has \(points.count) points" }
      var before = 0.0
      for point in points {
        // False for what is no number, too.
        guard point.seconds >= before, point.seconds.isFinite else {
          return "a point of its timeline is at \(point.seconds) s"
        }
        before = point.seconds
        if let defect = point.live.values.lazy.compactMap(\.defect).first { return defect }
      }
      return nil
    }
  }
}
