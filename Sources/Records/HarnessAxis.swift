/// The axes that belong to no kernel: how a case is run, whatever it computes.
package enum HarnessAxis: String, CaseIterable, Sendable {
  case variant
  case threads
  case cache
  case memoryLimit = "memory-limit"

  /// What an axis that is left out stands for; a memory limit is the only one that may be absent.
  package var defaultValue: AxisValue? {
    switch self {
    case .variant: .word("best")
    case .threads: .word("all")
    case .cache: .word("warm")
    case .memoryLimit: nil
    }
  }
}

/// What the caches hold when a timed call starts.
package enum CacheState: String, CaseIterable, Codable, Sendable {
  /// What the call before it left there.
  case warm
  /// Nothing of the operands: each call takes the next of several copies.
  case cold
}
