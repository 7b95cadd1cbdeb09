package import Quantities

/// The work of a call over the median latency.
package struct Throughput: Codable, Hashable, Sendable {
  package let flopsPerSecond: Double
  /// Bytes that must be read and written, not those that were.
  package let bytesPerSecond: Double
  package let tokensPerSecond: Reading<Double>

  static func reading(
    of work: Reading<Work>, latency: Reading<Latency>
  ) -> Reading<Throughput> {
    guard let latency = latency.value else { return .unavailable(latency.reason ?? "") }
    guard let work = work.value else { return .unavailable(work.reason ?? "") }
    let median = latency.median.value
    guard median > 0 else { return .unavailable("the median is shorter than the clock can tell") }
    return .measured(
      Throughput(
        flopsPerSecond: Double(work.flops) / median,
        bytesPerSecond: Double(work.workingSet.count) / median,
        tokensPerSecond: work.tokens.map { .measured(Double($0) / median) }
          ?? .unavailable("the workload has no tokens")))
  }
}
