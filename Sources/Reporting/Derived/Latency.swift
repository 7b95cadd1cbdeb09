package import Quantities
import Records
import Statistics

/// How long one call takes, and how well that is known.
package struct Latency: Codable, Hashable, Sendable {
  package let median: Seconds
  /// The 95 % interval of the median.
  package let interval: Reading<Bounds>
  package let scope: Scope
  package let p90: Seconds
  package let p99: Seconds
  package let minimum: Seconds
  package let samples: Int
  /// Samples beyond Tukey's fences: told, and never left out.
  package let outliers: Int
  package let blocks: Int
  package let runs: Int
  /// Windows that were dropped as warm-up.
  package let warmUp: Int
  /// Whether every process was steady before it was timed.
  package let steady: Bool
  package let criterionMissed: String?
  /// Whether the interval is wider than a figure that can show a change.
  package let wide: Bool
  package let warnings: [String]

  package struct Bounds: Codable, Hashable, Sendable {
    package let low: Seconds
    package let high: Seconds
    /// Half of the width as a share of the median.
    package let relativeHalfWidth: Double
  }

  /// What the interval speaks of.
  package enum Scope: String, Codable, Sendable {
    case withinOneProcess = "within one process"
    case betweenRuns = "between runs"
  }
}

extension Latency {
  static func reading(of timings: [Record.Timing]) -> Reading<Latency> {
    do throws(SampleFault) {
      var runs: [[Sample]] = []
      for timing in timings {
        var blocks: [Sample] = []
        for block in timing.blocks { blocks.append(try Sample(block.perCall)) }
        runs.append(blocks)
      }
      return .measured(Latency(try Estimate(runs: runs), timings))
    } catch {
      return .unavailable("a block cannot be used: \(error)")
    }
  }

  private init(_ estimate: Estimate, _ timings: [Record.Timing]) {
    median = Seconds(estimate.median)
    interval =
      switch estimate.interval {
      case .available(let interval):
        .measured(
          Bounds(
            low: Seconds(interval.low), high: Seconds(interval.high),
            relativeHalfWidth: interval.relativeHalfWidth))
      case .unavailable(let reason): .unavailable(reason)
      }
    scope = estimate.scope == .betweenRuns ? .betweenRuns : .withinOneProcess
    p90 = Seconds(estimate.p90)
    p99 = Seconds(estimate.p99)
    minimum = Seconds(estimate.minimum)
    samples = estimate.samples
    outliers = estimate.outliers
    blocks = estimate.blocks
    runs = estimate.runs
    warmUp = timings.reduce(0) { $0 + $1.warmUp.cut }
    steady = timings.allSatisfy(\.warmUp.steady)
    criterionMissed = timings.lazy.compactMap(\.criterionMissed).first
    wide = estimate.interval.value.map { $0.relativeHalfWidth > Estimate.wide } ?? false
    warnings = estimate.warnings.map(\.description)
  }
}
