/// What the blocks of a measurement say about it.
///
/// With one run the median and its interval are over the medians of its merged blocks. With more
/// they are over run medians, a run's being the median of its merged block medians: processes
/// differ (addresses, page placement) by more than blocks within one do. Percentiles, minimum and
/// outliers are over all samples as they came.
package struct Estimate: Hashable, Sendable {
  /// What the interval speaks of.
  package enum Scope: Hashable, Sendable {
    case withinOneProcess
    case betweenRuns
  }

  /// A figure known no better than 5 % cannot show the changes that people ask about.
  package static let wide = 0.05
  /// The count of 10 samples beyond p99 itself strays by a third (1/√10).
  package static let fewestBeyondP99 = 10

  package let scope: Scope
  package let median: Double
  package let interval: Interval
  package let p90: Double
  package let p99: Double
  package let minimum: Double
  package let samples: Int
  /// As measured, before merging.
  package let blocks: Int
  package let runs: Int
  package let outliers: Int
  package let warnings: [Warning]

  /// From the blocks of one process.
  ///
  /// - Throws: `SampleFault.empty` without blocks.
  package init(blocks: [Sample]) throws(SampleFault) {
    try self.init(runs: [blocks])
  }

  /// From the blocks of each process.
  ///
  /// - Throws: `SampleFault.empty` without runs, or where one has no blocks.
  package init(runs: [[Sample]]) throws(SampleFault) {
    guard !runs.isEmpty, runs.allSatisfy({ !$0.isEmpty }) else { throw .empty }
    let merged = runs.map { MergedBlocks($0) }
    let alone = runs.count == 1
    let medians =
      alone ? merged[0].medians : merged.map { Sample(finite: $0.medians).median }
    let middle = Sample(finite: medians)
    let all = Sample(joining: runs.joined())
    scope = alone ? .withinOneProcess : .betweenRuns
    median = middle.median
    interval = Interval(ofMedianOf: middle, counting: alone ? "blocks" : "runs")
    p90 = all.quantile(0.9)
    p99 = all.quantile(0.99)
    minimum = all.minimum
    samples = all.count
    blocks = runs.reduce(0) { $0 + $1.count }
    self.runs = runs.count
    outliers = all.outliers.count
    warnings = Self.warnings(merged: merged, interval: interval, all: all)
  }

  /// Correlation within runs does not touch an interval between them.
  private static func warnings(
    merged: [MergedBlocks], interval: Interval, all: Sample
  ) -> [Warning] {
    var warnings: [Warning] = []
    if merged.count > 1, interval.value == nil { warnings.append(.fewRuns(merged.count)) }
    if merged.count == 1 {
      if interval.value == nil { warnings.append(.fewBlocks(merged[0].blocks.count)) }
      if let warning = merged[0].warning { warnings.append(warning) }
    }
    if let width = interval.value?.relativeHalfWidth, width > wide {
      warnings.append(.wide(relativeHalfWidth: width))
    }
    let beyond = all.count(beyond: 0.99)
    if beyond < fewestBeyondP99 { warnings.append(.thinTail(samplesBeyondP99: beyond)) }
    return warnings
  }
}
