import Measuring
import Quantities
import Synchronization
import Testing

/// A clock that moves only when it is told to, and by `reading` each time it is read.
private final class ManualClock: NanosecondClock {
  private let time = Mutex(0)
  private let reading: Int

  init(reading: Int = 0) { self.reading = reading }

  func now() -> Int {
    time.withLock { time in
      time += reading
      return time
    }
  }

  func advance(_ nanoseconds: Int) { time.withLock { $0 += nanoseconds } }
}

@Suite struct SamplerTests {
  @Test func `a reading's cost is what the clock moves by each time`() {
    #expect(ManualClock(reading: 20).cost() == Seconds(20e-9))
  }

  /// 1000 readings of 20 µs are 20 ms, more than the millisecond that is asked for.
  @Test(arguments: [(20, 0.001), (20_000, 0.02)])
  func `a sample is as long as is asked, and a thousand readings at least`(
    reading: Int, seconds: Double
  ) {
    let sampler = BlockSampler(clock: ManualClock(reading: reading))
    #expect(abs(sampler.shortestSample.value - seconds) < 1e-12)
  }

  @Test(arguments: [100, 7_000, 1_000_000, 50_000_000])
  func `as many calls as make a sample long enough`(length: Int) {
    let clock = ManualClock()
    let sampler = BlockSampler(clock: clock)
    let calls = sampler.calibrate { clock.advance(length) }
    #expect(calls * length >= 1_000_000)
    // No more than the aim past the mark, and one call.
    #expect((calls - 1) * length <= 1_300_000)
  }

  @Test func `a block holds samples for its whole length, each of all its calls`() {
    let clock = ManualClock()
    let sampler = BlockSampler(clock: clock)
    let samples = sampler.block(calls: 3) { clock.advance(500_000) }
    // 1.5 ms a sample: 67 of them are the first to reach 100 ms.
    #expect(samples == [Double](repeating: 1_500_000 / 1e9, count: 67))
  }

  @Test func `the first millisecond before a block is not timed`() {
    let clock = ManualClock()
    let sampler = BlockSampler(clock: clock)
    var calls = 0
    let samples = sampler.block(calls: 1) {
      calls += 1
      // Slow at first, as what follows a probe is.
      clock.advance(calls <= 2 ? 900_000 : 1_000_000)
    }
    #expect(samples.allSatisfy { $0 == 0.001 })
    #expect(calls == samples.count + 2)
  }

  @Test func `a warm-up ends when windows agree`() {
    let clock = ManualClock()
    let sampler = BlockSampler(clock: clock)
    var window = 0
    // The first three windows of 10 ms fall from 4 ms a call to 2; then they stay.
    let warm = sampler.warmUp(calls: 1) {
      clock.advance(window < 3 ? 4_000_000 - window * 500_000 : 2_000_000)
      if clock.now() > (window + 1) * 10_000_000 { window += 1 }
    }
    #expect(warm.steady)
    #expect(warm.cut >= 3 && warm.cut < warm.windows.count)
    #expect(warm.windows[warm.cut] == 0.002)
  }

  @Test func `a warm-up that never settles gives up and says so`() {
    let clock = ManualClock()
    var settings = SamplingSettings()
    settings.warmUpWindows = 10
    let sampler = BlockSampler(clock: clock, settings: settings)
    var calls = 0
    let warm = sampler.warmUp(calls: 1) {
      calls += 1
      clock.advance(10_000_000 * calls)
    }
    #expect(!warm.steady && warm.windows.count == 10)
  }

  /// Of calls that never agree: as many as fill 5 s, and four at the least.
  @Test(arguments: [(0.05, 50), (0.5, 10), (2, 4), (60, 4)])
  func `the longer a call takes, the fewer warm up`(seconds: Double, windows: Int) {
    let clock = ManualClock()
    let sampler = BlockSampler(clock: clock)
    var calls = 0
    let warm = sampler.warmUp(calls: 1) {
      calls += 1
      clock.advance(Int(seconds * 1e9) * (calls % 2 == 1 ? 1 : 2))
    }
    #expect(!warm.steady)
    #expect(warm.windows.count == windows && calls == windows)
  }
}

@Suite struct ComputeUnitTests {
  @Test func `every machine has a unit for fp32, and each unit one name`() {
    let units = ComputeUnit.available
    #expect(units.contains { $0.format == .fp32 })
    #expect(Set(units.map(\.name)).count == units.count)
  }
}
