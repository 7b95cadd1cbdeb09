import Quantities
package import Records
import Statistics

/// How near a case comes to the speed that the machine had beside it.
package struct CeilingShare: Codable, Hashable, Sendable {
  package let bound: Bound
  /// The compute unit that the case is held against: `fma-512`.
  package let unit: String
  /// The smallest level of memory that holds the working set.
  package let level: MemoryLevel
  /// FLOP/s where compute binds; where memory does, B/s for the case's own mix of reads and writes.
  package let value: Double
  /// FLOPs per byte moved.
  package let intensity: Double
  /// The floor over the time taken: the median of the blocks' own shares.
  package let share: Double

  /// The largest share that two measurements of one machine explain: noise makes one of 1 a little more.
  /// Beyond it the ceiling was taken while the machine did something else, and says nothing.
  private static let credible = 1.5

  package enum Bound: String, Codable, Sendable {
    case compute
    case memory
  }

  /// What binds, in a word: `fma`, `DRAM`.
  package var binding: String {
    switch bound {
    case .compute: String(unit.prefix { $0 != "-" }.prefix(4))
    case .memory: level.label
    }
  }

  static func reading(
    of work: Reading<Work>, timings: [Record.Timing]
  ) -> Reading<CeilingShare> {
    guard let work = work.value else { return .unavailable(work.reason ?? "") }
    var floors: [Floor] = []
    var shares: [Double] = []
    for timing in timings {
      guard let use = timing.ceiling else {
        return .unavailable(timing.ceilingUnavailable ?? "no ceiling was chosen for it")
      }
      for block in timing.blocks {
        let speed = MachineSpeed(beside: block, of: use)
        guard let floor = Floor(of: work, at: speed) else {
          return .unavailable("a ceiling of this machine was not measured")
        }
        guard let median = try? Sample(block.perCall).median, median > 0 else { continue }
        floors.append(floor)
        shares.append(floor.seconds / median)
      }
    }
    guard let use = timings.first?.ceiling, let share = try? Sample(shares).median,
      let compute = try? Sample(floors.map(\.compute)).median,
      let memory = try? Sample(floors.map(\.memory)).median, max(compute, memory) > 0
    else { return .unavailable("no block has a time above 0 and work to do") }
    guard share <= credible else {
      return .unavailable(
        "the case was \(fixed(share, 1)) times as fast as the ceiling that was measured beside it")
    }
    return .measured(
      CeilingShare(
        bound: compute >= memory ? .compute : .memory,
        unit: use.unit,
        level: use.level,
        value: compute >= memory
          ? Double(work.flops) / compute : Double(work.workingSet.count) / memory,
        intensity: work.arithmeticIntensity,
        share: share))
  }
}
