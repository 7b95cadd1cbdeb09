import Foundation
import OrderedCollections
import Statistics

/// Google Benchmark's `--benchmark_format=json`: a process a file, its repetitions one value.
///
/// - Source: google/benchmark, "User Guide", output formats.
struct GoogleBenchmarkFile: Decodable {
  let context: Context
  let benchmarks: [Row]

  struct Context: Decodable {
    let num_cpus: Int?
    let caches: [Cache]?
    let library_build_type: String?
  }

  struct Cache: Decodable {
    let type: String
    let level: Int
    let size: Int
  }

  struct Row: Decodable {
    let name: String
    let run_name: String?
    let run_type: String?
    let aggregate_name: String?
    let real_time: Double?
    let time_unit: String?
    let error_occurred: Bool?
    let error_message: String?
    let skip_message: String?
    let allocs_per_iter: Double?
    let max_bytes_used: Double?
  }

  func results(_ path: String) throws -> ResultSet {
    var described = ["processors": context.num_cpus.map { "\($0)" } ?? "not said"]
    for cache in context.caches ?? [] {
      described["L\(cache.level) \(cache.type.lowercased())"] = "\(cache.size)"
    }
    var set = ResultSet(tool: .googleBenchmark, machine: .described(described))
    if context.library_build_type == "debug" {
      set.notes.append("\(path) was measured by a debug build of google-benchmark")
    }
    for (name, rows) in OrderedDictionary(grouping: benchmarks, by: { $0.run_name ?? $0.name }) {
      set.cases[name] = try Self.result(of: rows, path)
    }
    return set
  }

  private static func result(of rows: [Row], _ path: String) throws -> ResultCase {
    var found = ResultCase()
    // Means and deviations of repetitions that are there themselves, unless they were left out.
    let repetitions = rows.filter { $0.run_type != "aggregate" }
    let chosen =
      repetitions.isEmpty ? rows.filter { $0.aggregate_name == "median" } : repetitions
    if let failed = rows.first(where: { $0.error_occurred == true }) {
      found.failure = failed.error_message ?? "an error without a message"
    } else if let skipped = rows.lazy.compactMap(\.skip_message).first {
      found.failure = skipped
    }
    guard found.failure == nil else { return found }
    let seconds = try chosen.compactMap { try $0.seconds(path) }
    if let sample = try? Sample(seconds) { found.seconds = [sample.median] }
    for row in chosen {
      found.count("allocations", row.allocs_per_iter.flatMap { Int(exactly: $0) })
      found.count("peak bytes", row.max_bytes_used.flatMap { Int(exactly: $0) })
    }
    if found.seconds.isEmpty { found.failure = "there are no repetitions, and no median of them" }
    return found
  }
}

extension GoogleBenchmarkFile.Row {
  fileprivate func seconds(_ path: String) throws -> Double? {
    guard let real_time else { return nil }
    let units = ["ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1]
    guard let unit = units[time_unit ?? "ns"] else {
      throw ResultFault.badValue(path, "'\(name)' has the time unit '\(time_unit ?? "")'")
    }
    guard real_time > 0, real_time.isFinite else {
      throw ResultFault.badValue(path, "'\(name)' has the time \(real_time)")
    }
    return real_time * unit
  }
}
