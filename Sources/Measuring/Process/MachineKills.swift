package import Quantities

/// How many processes the kernel has killed for want of memory since the machine was started, in all
/// control groups.
package enum MachineKills {
  package static func read(from files: FileSource = .system) -> Reading<Int> {
    // The kernel has the line since Linux 4.13.
    files.reading("/proc/vmstat", "oom_kill line") { text in
      text.split(separator: "\n").first { $0.hasPrefix("oom_kill ") }
        .flatMap { Int($0.dropFirst("oom_kill ".count)) }
    }
  }
}
