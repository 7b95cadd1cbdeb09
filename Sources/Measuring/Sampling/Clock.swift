import CLinux
package import Quantities
import Statistics

/// Where nanoseconds come from: the monotonic clock, or a test's own.
package protocol NanosecondClock: Sendable {
  func now() -> Int
}

/// The system's monotonic clock; it does not step when the time of day is set.
package struct MonotonicClock: NanosecondClock {
  package init() {}

  @inline(__always)
  package func now() -> Int { Int(hr_monotonic_nanoseconds()) }
}

extension NanosecondClock {
  /// What one reading costs: the median over batches, since an interrupt lands in a few of them.
  package func cost(batches: Int = 21, readings: Int = 500) -> Seconds {
    var costs: [Double] = []
    for _ in 0..<batches {
      let start = now()
      for _ in 0..<readings { _ = now() }
      costs.append(Double(now() - start) / Double(readings + 1))
    }
    return Seconds(Sample(finite: costs).median / 1e9)
  }
}
