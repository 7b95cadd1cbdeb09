import Quantities
import Records
import Statistics

/// Whether the machine kept its speed while a case was measured.
package struct ClockDrift: Codable, Hashable, Sendable {
  /// FLOP/s of the first probe.
  package let before: Double
  /// FLOP/s of the last probe.
  package let after: Double
  /// The largest probe less the smallest, as a share of their median: compute or bandwidth,
  /// whichever moved more.
  package let spread: Double
  package let moved: Bool

  static func reading(of timings: [Record.Timing]) -> Reading<ClockDrift> {
    let probes = timings.flatMap(\.blocks).flatMap { [$0.before, $0.after] }
    guard let first = probes.first, let last = probes.last,
      let compute = drift(of: probes.map(\.flopsPerSecond))
    else { return .unavailable("no probes were taken beside the blocks") }
    let bandwidth = drift(of: probes.compactMap(\.bytesPerSecond))
    return .measured(
      ClockDrift(
        before: first.flopsPerSecond,
        after: last.flopsPerSecond,
        spread: max(compute.spread, bandwidth?.spread ?? 0),
        moved: compute.moved || bandwidth?.moved ?? false))
  }

  private static func drift(of probes: [Double]) -> ProbeDrift? {
    // A speed of 0 is one that could not be measured.
    (try? Sample(probes.filter { $0 > 0 })).map { ProbeDrift(probes: $0) }
  }
}
