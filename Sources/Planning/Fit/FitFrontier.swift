import MemoryPlanning
package import Quantities

/// One value of an axis, and the most of another that fits with it.
package struct FrontierPoint: Hashable, Sendable {
  package let first: Int
  /// Nil where not even 1 fits.
  package let second: Int?
  package let bytes: Bytes?
  package let phase: String
}

extension FitSolver {
  /// Powers of two of one axis, each with the most of the other that fits.
  ///
  /// - Throws: a fault of the setting.
  package mutating func frontier(
    _ setting: FitSetting, _ first: String, _ second: String, _ limit: FitLimit
  ) throws -> [FrontierPoint] {
    var points: [FrontierPoint] = []
    var value = 1
    while value <= 1 << 20 {
      let changed = setting.changing([first: "\(value)"])
      let found = largest(second, of: changed, in: limit.bytes)
      let best = found.value.flatMap { Int($0) }
      let answer = try answer(changed.changing([second: "\(best ?? 1)"]))
      points.append(
        FrontierPoint(
          first: value, second: best, bytes: best == nil ? nil : answer.high, phase: answer.phase))
      if best == nil { break }
      value *= 2
    }
    return points
  }
}
