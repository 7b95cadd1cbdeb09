package import Quantities
import Synchronization

/// What all blocks of a gate share.
package final class GateSetting: Sendable {
  package let folder: ScratchFolder
  package let cpus: [Int]
  package let seed: UInt64
  package let timeout: Seconds
  package let lastLevelCache: Bytes
  /// A turn's length; the same count of calls on both sides, so that it is that of the slower one.
  package let turn = Seconds(0.1)
  package let sample = Seconds(0.001)
  /// A block's two processes must be ready within 150 ms each, and soon where turns are short.
  package let warmUpWindows = 6
  static func warmUpWindow(before turn: Seconds) -> Seconds {
    Seconds(min(0.01, turn.value / 8))
  }
  private let names = Mutex(0)

  package init(
    folder: ScratchFolder, cpus: [Int], seed: UInt64, timeout: Seconds, lastLevelCache: Bytes
  ) {
    self.folder = folder
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
