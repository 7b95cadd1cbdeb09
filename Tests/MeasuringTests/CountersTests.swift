import Glibc
import Measuring
import Quantities
import Synchronization
import Testing

@Suite struct PerformanceCountersTests {
  @Test func `what was counted between start and stop is the difference`() {
    let source = FakeCounters(states: [
      .instructions: [
        .init(value: 1000, enabled: 50, running: 50),
        .init(value: 4000, enabled: 150, running: 150),
      ]
    ])
    let counters = PerformanceCounters(source: source)
    counters.start()
    let readings = counters.stop()
    #expect(readings.values["instructions"] == .measured(3000))
    #expect(readings.notes.isEmpty)
  }

  @Test func `a counter that took turns is scaled and a note says so`() {
    // 600 in a quarter of the time are 2400 in all of it.
    let source = FakeCounters(states: [
      .cacheMisses: [
        .init(value: 100, enabled: 1000, running: 1000),
        .init(value: 700, enabled: 2000, running: 1250),
      ]
    ])
    let counters = PerformanceCounters(source: source)
    counters.start()
    let readings = counters.stop()
    #expect(readings.values["cache_misses"] == .measured(2400))
    #expect(readings.notes == ["cache_misses was counted for 25.0 % of the time and scaled"])
  }

  @Test func `a counter that never ran is unavailable, not zero`() {
    let source = FakeCounters(states: [
      .cycles: [.init(value: 0, enabled: 0, running: 0), .init(value: 0, enabled: 900, running: 0)]
    ])
    let counters = PerformanceCounters(source: source)
    counters.start()
    #expect(counters.stop().values["cycles"]?.reason?.contains("never got a register") == true)
  }

  @Test func `a stop without a start is unavailable`() {
    let source = FakeCounters(states: [.cycles: [.init(value: 9, enabled: 9, running: 9)]])
    let readings = PerformanceCounters(source: source).stop()
    #expect(readings.values["cycles"] == .unavailable("the cycle counter could not be read"))
  }

  @Test(arguments: [ENOENT, EOPNOTSUPP, ENODEV])
  func `a machine without counters says what virtual machines do`(code: Int32) {
    let counters = PerformanceCounters(source: FakeCounters(refusal: code))
    counters.start()
    let values = counters.stop().values
    #expect(!counters.anyAvailable)
    #expect(
      Set(values.keys) == ["instructions", "cycles", "cache_references", "cache_misses"])
    #expect(
      values["cache_misses"]
        == .unavailable(
          """
          the machine offers no cache miss counter (errno \(code)); \
          virtual machines often hide them
          """))
  }

  @Test(arguments: [EACCES, EPERM])
  func `a forbidden counter names the setting that forbids it`(code: Int32) {
    let values = PerformanceCounters(source: FakeCounters(refusal: code)).stop().values
    #expect(
      values["cycles"]?.reason?.contains("/proc/sys/kernel/perf_event_paranoid") == true)
  }

  @Test func `all are held before the first is read, and closed at the end`() {
    let source = FakeCounters(states: [
      .instructions: [.init(value: 0, enabled: 0, running: 0)],
      .cycles: [.init(value: 0, enabled: 0, running: 0)],
    ])
    do {
      let counters = PerformanceCounters(source: source)
      counters.start()
      _ = counters.stop()
    }
    #expect(source.log.dropLast(2).suffix(4) == ["hold 0", "hold 1", "read 0", "read 1"])
    #expect(Set(source.log.suffix(2)) == ["close 0", "close 1"])
  }

  @Test func `this machine answers every counter or says why not`() {
    let counters = PerformanceCounters()
    counters.start()
    let values = counters.stop().values
    #expect(values.count == CounterEvent.allCases.count)
    #expect(values.values.allSatisfy { $0.value != nil || $0.reason?.isEmpty == false })
  }
}

/// Counters that answer the given states one after the other.
private final class FakeCounters: CounterSource {
  private let states: Mutex<[CounterEvent: [CounterState]]>
  private let lines = Mutex<[String]>([])
  private let refusal: Int32

  init(states: [CounterEvent: [CounterState]] = [:], refusal: Int32 = ENOENT) {
    self.states = Mutex(states)
    self.refusal = refusal
  }

  var log: [String] { lines.withLock { $0 } }

  func open(_ event: CounterEvent) -> Int32 {
    states.withLock { $0[event] } == nil ? -refusal : descriptor(of: event)
  }

  func set(_ descriptor: Int32, counting: Bool) -> Int32 {
    lines.withLock { $0.append("\(counting ? "start" : "hold") \(descriptor)") }
    return 0
  }

  func read(_ descriptor: Int32) -> CounterState? {
    lines.withLock { $0.append("read \(descriptor)") }
    let event = CounterEvent.allCases[Int(descriptor)]
    return states.withLock { states in
      guard let first = states[event]?.first else { return nil }
      states[event]?.removeFirst()
      return first
    }
  }

  func close(_ descriptor: Int32) { lines.withLock { $0.append("close \(descriptor)") } }

  private func descriptor(of event: CounterEvent) -> Int32 {
    Int32(CounterEvent.allCases.firstIndex(of: event) ?? 0)
  }
}
