import Quantities
package import Comparing
package import Foundation
import OrderedCollections
import Statistics

/// What other tools read: results in their own forms, times in nanoseconds.
package enum ForeignFormat: String, CaseIterable, Sendable {
  /// - Source: google/benchmark, "User Guide", output formats; its `compare.py` reads it.
  case googleBenchmark = "google-benchmark"
  /// - Source: Bencher, "Bencher Metric Format (BMF)".
  case bencher
  /// - Source: benchmark-action/github-action-benchmark, `customSmallerIsBetter`.
  case githubActionBenchmark = "github-action-benchmark"

  package func data(_ results: ResultSet) throws -> Data {
    let rows = results.cases.compactMap { Row($0, $1) }
    let value: any Encodable & Sendable =
      switch self {
      case .googleBenchmark: GoogleBenchmark(rows)
      case .bencher:
        Dictionary(uniqueKeysWithValues: rows.map { ($0.name, BencherMetrics($0)) })
      case .githubActionBenchmark: rows.map(ActionEntry.init)
      }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
    return try encoder.encode(value) + Data("\n".utf8)
  }

  /// A case that has times, in nanoseconds.
  fileprivate struct Row: Sendable {
    let name: String
    let times: [Double]
    let median: Double
    let low: Double?
    let high: Double?
    let peakBytes: Int?

    init?(_ name: String, _ result: ResultCase) {
      guard result.isTimed, let sample = try? Sample(result.seconds.map { $0 * 1e9 }) else {
        return nil
      }
      self.name = name
      times = sample.values
      median = sample.median
      let interval = Interval(ofMedianOf: sample).value
      low = interval?.low
      high = interval?.high
      peakBytes = result.counted["peak bytes"].flatMap { $0.count == 1 ? $0.first : nil }
    }
  }
}

extension ForeignFormat {
  /// A row a process, as repetitions.
  fileprivate struct GoogleBenchmark: Encodable, Sendable {
    let context = ["executable": "headroom", "library_build_type": "release"]
    let benchmarks: [Repetition]

    struct Repetition: Encodable, Sendable {
      let name: String
      let run_name: String
      let run_type = "iteration"
      let repetitions: Int
      let repetition_index: Int
      let iterations = 1
      let real_time: Double
      let cpu_time: Double
      let time_unit = "ns"
      let max_bytes_used: Int?
    }

    init(_ rows: [Row]) {
      benchmarks = rows.flatMap { row in
        row.times.enumerated().map { index, time in
          Repetition(
            name: row.name, run_name: row.name, repetitions: row.times.count,
            repetition_index: index, real_time: time, cpu_time: time,
            max_bytes_used: row.peakBytes)
        }
      }
    }
  }

  fileprivate struct BencherMetrics: Encodable, Sendable {
    let latency: Metric
    let memory: Metric?

    struct Metric: Encodable, Sendable {
      let value: Double
      var lower_value: Double?
      var upper_value: Double?
    }

    init(_ row: Row) {
      latency = Metric(value: row.median, lower_value: row.low, upper_value: row.high)
      memory = row.peakBytes.map { Metric(value: Double($0)) }
    }
  }

  fileprivate struct ActionEntry: Encodable, Sendable {
    let name: String
    let unit = "ns"
    let value: Double
    let range: String?
    let extra: String

    init(_ row: Row) {
      name = row.name
      value = row.median
      range = row.low.flatMap { low in row.high.map { "± \(($0 - low) / 2)" } }
      extra = "median of \(counted(row.times.count, "process", "processes"))"
    }
  }
}
