package import Quantities
import Statistics

/// Takes timed samples of a call: as many calls a sample as the clock needs, as many samples a
/// block as make it long enough.
///
/// Between two samples lie two readings of the clock and a store: nothing else is in the loop.
package struct BlockSampler<Clock: NanosecondClock>: Sendable {
  package let clock: Clock
  package let clockCost: Seconds
  package let settings: SamplingSettings

  package init(clock: Clock, settings: SamplingSettings = SamplingSettings()) {
    self.clock = clock
    self.settings = settings
    clockCost = clock.cost()
  }

  /// The shortest sample: 1000 readings of the clock, so that the clock adds 0.2 % at most.
  package var shortestSample: Seconds {
    Seconds(max(settings.sample.value, 1000 * clockCost.value))
  }

  /// The calls that make one sample long enough, found by doubling.
  package func calibrate(_ call: () -> Void) -> Int {
    var calls = 1
    while calls < 1 << 30 {
      let elapsed = time(calls, call)
      if elapsed >= shortestSample.value { return calls }
      // Aim past the mark, but never by more than eightfold on the word of one short sample.
      let wanted = Double(calls) * shortestSample.value / max(elapsed, clockCost.value) * 1.2
      calls = min(calls * 8, max(calls + 1, Int(wanted)))
    }
    return calls
  }

  /// Runs until windows of calls agree, by the rule of `SteadyState`. A window is one call at least, so
  /// that there are fewer of those that take long.
  package func warmUp(calls: Int, _ call: () -> Void) -> (windows: [Double], cut: Int, steady: Bool)
  {
    func window() -> Double {
      Sample(finite: samples(for: settings.window, calls: calls, call)).median / Double(calls)
    }
    let start = clock.now()
    let first = window()
    let length = max(Double(clock.now() - start) / 1e9, settings.window.value)
    let maxWindows = min(Double(settings.warmUpWindows), settings.longestWarmUp.value / length)
    var rule = SteadyState(limit: max(SteadyState.fewest, Int(maxWindows)))
    rule.append(first)
    while true {
      switch rule.verdict {
      case .warming: rule.append(window())
      case .steady(let cut): return (rule.windows, cut, true)
      case .gaveUp(let cut): return (rule.windows, cut, false)
      }
    }
  }

  /// One block: at least `settings.block` of samples, each the seconds of `calls` calls.
  ///
  /// Before it, calls run untimed for the first millisecond: wide-vector code and a neighbour's
  /// probe slow what follows them, and a warm case must be warmed again.
  package func block(calls: Int, _ call: () -> Void) -> [Double] {
    let start = clock.now()
    repeat { call() } while clock.now() - start < settings.settling.nanoseconds
    return samples(for: settings.block, calls: calls, call)
  }

  /// So many samples of so many calls each, whatever they take: both sides of a comparison count
  /// alike.
  package func block(calls: Int, samples: Int, _ call: () -> Void) -> [Double] {
    let start = clock.now()
    repeat { call() } while clock.now() - start < settings.settling.nanoseconds
    return (0..<samples).map { _ in time(calls, call) }
  }

  private func samples(for span: Seconds, calls: Int, _ call: () -> Void) -> [Double] {
    // A sample is rarely shorter than the shortest; the room is for those that are.
    let capacity = 4 * Int(span.value / shortestSample.value) + 64
    let start = clock.now()
    let span = span.nanoseconds
    return withUnsafeTemporaryAllocation(of: Int.self, capacity: capacity) { lengths in
      var count = 0
      var before = start
      // A store and no more between the two readings of the clock.
      repeat {
        for _ in 0..<calls { call() }
        lengths[count] = clock.now() - before
        count += 1
        before = clock.now()
      } while before - start < span && count < capacity
      return lengths[..<count].map { Double($0) / 1e9 }
    }
  }

  private func time(_ calls: Int, _ call: () -> Void) -> Double {
    let start = clock.now()
    for _ in 0..<calls { call() }
    return Double(clock.now() - start) / 1e9
  }
}

/// How long things are.
package struct SamplingSettings: Codable, Hashable, Sendable {
  /// A block is one median's worth: long enough to hold many of a scheduler's ticks.
  package var block = Seconds(0.1)
  /// A sample is at least this long; a hundred of them make a block.
  package var sample = Seconds(0.001)
  /// One window of the warm-up.
  package var window = Seconds(0.01)
  /// The maximum number of windows of warm-up: half a second where calls are short.
  package var warmUpWindows = 50
  /// Where they are not, what warm-up may take beyond the fewest windows that tell anything.
  package var longestWarmUp = Seconds(5)
  /// The stretch after a probe that is not timed.
  package var settling = Seconds(0.001)

  package init() {}
}

extension Seconds {
  /// Whole nanoseconds.
  package var nanoseconds: Int { Int(value * 1e9) }
}
