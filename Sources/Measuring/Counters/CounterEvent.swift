/// The hardware counters that are read around a block.
package enum CounterEvent: String, CaseIterable, Sendable {
  case instructions
  case cycles
  case cacheReferences = "cache_references"
  case cacheMisses = "cache_misses"

  /// `PERF_COUNT_HW_…` of linux/perf_event.h.
  package var config: UInt64 {
    switch self {
    case .cycles: 0
    case .instructions: 1
    case .cacheReferences: 2
    case .cacheMisses: 3
    }
  }

  /// As in a sentence.
  package var label: String {
    switch self {
    case .instructions: "instruction"
    case .cycles: "cycle"
    case .cacheReferences: "cache reference"
    case .cacheMisses: "cache miss"
    }
  }
}

/// A counter's state: what it counted, and for how much of the time it really did.
///
/// With more counters than the processor has registers, the kernel lets them take turns.
package struct CounterState: Hashable, Sendable {
  package var value: UInt64
  /// Nanoseconds for which it was meant to count.
  package var enabled: UInt64
  /// Nanoseconds for which it counted.
  package var running: UInt64

  package init(value: UInt64, enabled: UInt64, running: UInt64) {
    self.value = value
    self.enabled = enabled
    self.running = running
  }
}
