import Planning
package import Quantities
import Synchronization

/// What all blocks of a gate share.
package final class GateSetting: Sendable {
  package let host: any Host
  package let cpus: [Int]
  package let seed: UInt64
  package let timeout: Seconds
  package let lastLevelCache: Bytes
  package let sample = Seconds(0.001)
  /// A block's two processes must be ready within 150 ms each, and soon where turns are short.
  package let warmUpWindows = 6
  static func warmUpWindow(before turn: Seconds) -> Seconds { Seconds(min(0.01, turn.value)) }

  /// A turn's length; the same count of calls on both sides, so that it is that of the slower one.
  ///
  /// Turns are short, so that what else happens on the machine meets neighbours alike. Those of several
  /// threads wait until the other side's pool is still, so that they are fewer.
  static func turn(of planned: PlannedCase) -> Seconds {
    planned.gate.turn ?? Seconds(planned.threads > 1 ? 0.025 : 0.005)
  }

  /// How often both sides take two turns in a block; seldom where a call takes longer than a turn.
  package static func rounds(turn: Seconds, taking seconds: Double, threads: Int) -> Int {
    let maximum = threads > 1 ? 4 : 10
    return max(1, min(maximum, Int((Double(maximum) * turn.value / seconds).rounded(.up))))
  }

  private let names = Mutex(0)

  package init(
    host: any Host, cpus: [Int], seed: UInt64, timeout: Seconds, lastLevelCache: Bytes
  ) {
    self.host = host
    self.cpus = cpus
    self.seed = seed
    self.timeout = timeout
    self.lastLevelCache = lastLevelCache
  }

  func nextName() -> String {
    names.withLock { count in
      count += 1
      return "gate-\(count)"
    }
  }
}
