import Quantities
package import Records

/// Reads what else goes on on the machine: recorded and warned about, never refused.
package struct ConditionsReader: Sendable {
  package let files: FileSource

  package init(files: FileSource = .system) { self.files = files }

  /// - Parameter visibleCores: The processors that share the load.
  package func read(visibleCores: Int) -> Conditions {
    let (room, available) = MemoryRoomReader(files: files).read()
    var conditions = Conditions(
      load: load, governor: governor, clockMegahertz: clockMegahertz, throttles: throttles,
      steal: steal, hugePages: hugePages, availableMemory: available, memory: room,
      quota: ProcessorQuota.read(from: files), warnings: [])
    conditions.warnings = conditions.findings(visibleCores: visibleCores)
    return conditions
  }

  private var load: Reading<Double> {
    files.reading("/proc/loadavg", "load") { text in
      text.split(separator: " ").first.flatMap { Double($0) }
    }
  }

  private var governor: Reading<String> {
    let path = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
    return files.reading(path, "governor") { text in
      let word = trimmed(text)
      return word.isEmpty ? nil : String(word)
    }
  }

  /// The fastest core's clock, since cores that idle at this moment are clocked down.
  private var clockMegahertz: Reading<Double> {
    files.reading("/proc/cpuinfo", "\"cpu MHz\"") { text in
      LabelledLines(text).all("cpu MHz").compactMap { Double($0) }.max()
    }
  }

  private var throttles: Reading<Int> {
    let path = "/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count"
    return files.reading(path, "count") { Int(trimmed($0)) }
  }

  private var steal: Reading<Double> {
    files.reading("/proc/stat", "steal time") { text in
      // user nice system idle iowait irq softirq steal; guests behind them are part of user.
      let words = text.split(separator: "\n").first?.split(separator: " ") ?? []
      let ticks = words.dropFirst().prefix(8).compactMap { Double($0) }
      let total = ticks.reduce(0, +)
      guard words.first == "cpu", ticks.count == 8, total > 0 else { return nil }
      return ticks[7] / total
    }
  }

  private var hugePages: Reading<String> {
    // The chosen word stands in brackets: `always [madvise] never`.
    files.reading("/sys/kernel/mm/transparent_hugepage/enabled", "chosen mode") { text in
      guard let open = text.firstIndex(of: "["), let close = text[open...].firstIndex(of: "]")
      else { return nil }
      return String(text[text.index(after: open)..<close])
    }
  }
}
