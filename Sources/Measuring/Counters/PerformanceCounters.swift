import Glibc
package import Quantities

/// Counts instructions, cycles and cache events between `start` and `stop`.
///
/// It must be made *before* the thread pool, on the thread that makes the pool: a counter covers
/// its own thread and those that are started later, never threads that already run.
package final class PerformanceCounters {
  private let source: any CounterSource
  private var counters: [CounterEvent: Counter] = [:]

  private struct Counter {
    /// The open counter, or why there is none.
    let descriptor: Reading<Int32>
    var before: CounterState?
  }

  package init(source: any CounterSource = SystemCounterSource()) {
    self.source = source
    for event in CounterEvent.allCases {
      let answer = source.open(event)
      counters[event] = Counter(
        descriptor: answer >= 0
          ? .measured(answer) : .unavailable(Self.refusal(of: event, code: -answer)))
    }
  }

  deinit {
    for descriptor in counters.values.compactMap(\.descriptor.value) { source.close(descriptor) }
  }

  /// Whether any counter could be opened.
  package var anyAvailable: Bool { counters.values.contains { $0.descriptor.value != nil } }

  /// Begins to count; what was counted before is not reported.
  package func start() {
    forEachOpen { event, descriptor in
      // A difference rather than PERF_EVENT_IOC_RESET, which leaves the two times as they are
      // and would spoil the scale.
      counters[event]?.before = source.read(descriptor)
      _ = source.set(descriptor, counting: true)
    }
  }

  /// Ends the counting; counters that took turns are scaled to the whole time, and a note says so.
  package func stop() -> CounterReadings {
    // All are held before the first is read, or the reading would be counted along.
    forEachOpen { _, descriptor in _ = source.set(descriptor, counting: false) }
    var readings = CounterReadings()
    for event in CounterEvent.allCases {
      guard let counter = counters[event] else { continue }
      switch counter.descriptor {
      case .unavailable(let reason): readings.values[event.rawValue] = .unavailable(reason)
      case .measured(let descriptor):
        readings.add(event, before: counter.before, after: source.read(descriptor))
      }
    }
    return readings
  }

  private func forEachOpen(_ body: (CounterEvent, Int32) -> Void) {
    for event in CounterEvent.allCases {
      if let descriptor = counters[event]?.descriptor.value { body(event, descriptor) }
    }
  }

  private static func refusal(of event: CounterEvent, code: Int32) -> String {
    switch code {
    case ENOENT, EOPNOTSUPP, ENODEV:
      """
      the machine offers no \(event.label) counter (errno \(code)); \
      virtual machines often hide them
      """
    case EACCES, EPERM:
      """
      the \(event.label) counter is not allowed (errno \(code)); \
      /proc/sys/kernel/perf_event_paranoid must be 2 or less
      """
    case ENOSYS: "this kernel was built without performance counters (errno \(code))"
    default: "the \(event.label) counter cannot be opened: \(errorWords(code))"
    }
  }
}

/// What the counters counted.
package struct CounterReadings: Sendable {
  /// By the names of `CounterEvent`.
  package var values: [String: Reading<Double>] = [:]
  /// Which values are scaled, and how far.
  package var notes: [String] = []

  package init() {}

  mutating func add(_ event: CounterEvent, before: CounterState?, after: CounterState?) {
    guard let before, let after, after.value >= before.value, after.enabled >= before.enabled,
      after.running >= before.running
    else {
      values[event.rawValue] = .unavailable("the \(event.label) counter could not be read")
      return
    }
    let enabled = Double(after.enabled - before.enabled)
    let running = Double(after.running - before.running)
    guard running > 0 else {
      values[event.rawValue] = .unavailable(
        "the \(event.label) counter never got a register of the processor to count in")
      return
    }
    values[event.rawValue] = .measured(Double(after.value - before.value) * enabled / running)
    // The two clocks are read one after the other: less than 0.1 % is no turn taken.
    if running < enabled * 0.999 {
      notes.append(
        "\(event.rawValue) was counted for \(significant(running / enabled * 100)) % of the time "
          + "and scaled")
    }
  }
}
