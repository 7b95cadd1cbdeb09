import Measuring
import Quantities

/// Seconds by phase.
struct PhaseWatch {
  private let clock = MonotonicClock()
  private var seconds: [MemoryPhase: Int] = [:]
  private var phase: MemoryPhase?
  private var since = 0

  mutating func enter(_ next: MemoryPhase) {
    guard next != phase else { return }
    let now = clock.now()
    if let phase { seconds[phase, default: 0] += now - since }
    (phase, since) = (next, now)
  }

  mutating func stop() -> [MemoryPhase: Seconds] {
    let now = clock.now()
    if let phase { seconds[phase, default: 0] += now - since }
    return seconds.mapValues { Seconds(nanoseconds: $0) }
  }
}
