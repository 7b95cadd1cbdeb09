import CLinux
import Glibc

/// Where counters come from: the kernel, or a test.
package protocol CounterSource: Sendable {
  /// A descriptor, or a negative errno.
  func open(_ event: CounterEvent) -> Int32
  /// Lets a counter count, or holds it; 0 or an errno.
  func set(_ descriptor: Int32, counting: Bool) -> Int32
  /// What the counter holds; nil where it cannot be read.
  func read(_ descriptor: Int32) -> CounterState?
  func close(_ descriptor: Int32)
}

/// The kernel's counters of the calling thread and of all threads that it starts from then on.
package struct SystemCounterSource: CounterSource {
  package init() {}

  package func open(_ event: CounterEvent) -> Int32 {
    // PERF_TYPE_HARDWARE
    hr_perf_open(0, event.config)
  }

  package func set(_ descriptor: Int32, counting: Bool) -> Int32 {
    // PERF_EVENT_IOC_ENABLE and PERF_EVENT_IOC_DISABLE, which are macros that Swift does not see.
    ioctl(descriptor, counting ? 0x2400 : 0x2401, CInt(0)) == 0 ? 0 : errno
  }

  package func read(_ descriptor: Int32) -> CounterState? {
    // The read format that hr_perf_open asks for: value, time enabled, time running.
    var words: [UInt64] = [0, 0, 0]
    let size = words.count * MemoryLayout<UInt64>.size
    guard Glibc.read(descriptor, &words, size) == size else { return nil }
    return CounterState(value: words[0], enabled: words[1], running: words[2])
  }

  package func close(_ descriptor: Int32) { _ = Glibc.close(descriptor) }
}
