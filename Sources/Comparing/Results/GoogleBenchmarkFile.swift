import Foundation
import OrderedCollections
import Records
import Statistics

/// Google Benchmark's `--benchmark_format=json`: a process a file, its repetitions one value.
///
/// - Source: google/benchmark, "User Guide", output formats.
struct GoogleBenchmarkFile {
  private let rows: [Row]
  private let path: String

  private struct Row {
    let fields: ForeignRow
    var key: ResultKey
    /// Which registration it comes from: two may have one name.
    let family: [Double]
    /// `mean`, `median`, …; nil for a repetition.
    let aggregate: String?

    var isAggregate: Bool { aggregate != nil }
  }

  static func results(_ file: JSONValue, _ path: String) throws -> ResultSet {
    let context = try ForeignRow(file["context"] ?? .object([:]), path, "context")
    var described = [
      "processors": context.fields["num_cpus"]?.setting ?? "not said"
    ]
    if context.fields["caches"] != nil {
      for cache in try ForeignRow.rows(.object(context.fields), "caches", path) {
        let level = cache.fields["level"]?.setting ?? "?"
        let kind = try cache.text("type")?.lowercased() ?? ""
        described["L\(level) \(kind)"] = cache.fields["size"]?.setting ?? "not said"
      }
    }
    var set = ResultSet(tool: .googleBenchmark, machine: .described(described))
    set.host = context.fields["host_name"]?.setting
    if try context.text("library_build_type") == "debug" {
      set.notes.append("\(path) was measured by a debug build of google-benchmark")
    }
    let read = GoogleBenchmarkFile(
      rows: apart(try named(ForeignRow.rows(file, "benchmarks", path))), path: path)
    for (key, rows) in OrderedDictionary(grouping: read.rows, by: \.key) {
      guard let found = try read.result(of: rows) else { continue }
      set.results[key] = found
      let indices = rows.filter { !$0.isAggregate }.compactMap {
        $0.fields.fields["repetition_index"]?.setting
      }
      if Set(indices).count < indices.count {
        set.notes.append(
          "\(path): '\(key.name)' has a repetition twice: all its rows are taken together")
      }
    }
    return set
  }

  /// Versions from before `run_type` tell an aggregate by its name alone.
  private static let suffixes = ["mean", "median", "stddev", "cv", "BigO", "RMS"]

  private static func named(_ rows: [ForeignRow]) throws -> [Row] {
    let names = Set(try rows.compactMap { try $0.text("name") })
    return try rows.map { fields in
      let own = try fields.requiredText("name")
      var name = try fields.text("run_name") ?? own
      var aggregate = try fields.text("aggregate_name")
      var isAggregate = try fields.text("run_type") == "aggregate"
      if fields.fields["run_type"] == nil, fields.fields["run_name"] == nil,
        let suffix = suffixes.first(where: { own.hasSuffix("_" + $0) })
      {
        let base = String(own.dropLast(suffix.count + 1))
        if names.contains(base) || names.contains(base + "_mean") {
          (name, aggregate, isAggregate) = (base, suffix, true)
        }
      }
      var key = ResultKey(name)
      // No label is one, too: it is no sign of an older version.
      key.settings["label"] = fields.fields["label"]?.setting ?? ""
      key.settings["threads"] = fields.fields["threads"]?.setting
      return Row(
        fields: fields, key: key,
        family: try ["family_index", "per_family_instance_index"].map {
          try fields.number($0) ?? -1
        },
        aggregate: isAggregate ? aggregate ?? "" : nil)
    }
  }

  /// Registrations of one name and one label are told apart by their order in the program, and only where the other
  /// side has as many can they be the same.
  private static func apart(_ rows: [Row]) -> [Row] {
    var families: [ResultKey: Set<[Double]>] = [:]
    for row in rows { families[row.key, default: []].insert(row.family) }
    let ordered = families.mapValues { $0.sorted { $0.lexicographicallyPrecedes($1) } }
    return rows.map { given in
      guard let all = ordered[given.key], all.count > 1,
        let place = all.firstIndex(of: given.family)
      else { return given }
      var row = given
      row.key.settings["registration"] = "\(place + 1) of \(all.count)"
      return row
    }
  }

  /// Nothing where no row is of times, as those of complexities.
  private func result(of rows: [Row]) throws -> ResultCase? {
    var found = ResultCase()
    if let failed = try rows.first(where: { try $0.fields.flag("error_occurred") }) {
      found.failure = try failed.fields.text("error_message") ?? "an error without a message"
      return found
    }
    if let skipped = try rows.first(where: {
      try $0.fields.flag("skipped") || $0.fields.text("skip_message") != nil
    }) {
      let words = try skipped.fields.text("skip_message") ?? ""
      found.skip = words.isEmpty ? "it was skipped without a message" : words
      return found
    }
    // Means and deviations of repetitions that are there themselves, unless they were left out.
    let repetitions = rows.filter { !$0.isAggregate }
    let chosen = repetitions.isEmpty ? rows.filter { $0.aggregate == "median" } : repetitions
    if chosen.isEmpty {
      guard rows.contains(where: { $0.aggregate == "mean" }) else { return nil }
      found.absence = "there are no repetitions, and no median of them"
    } else {
      // The median of times of which one is none would hide that.
      let times = try chosen.map { try seconds($0.fields) ?? .nan }
      if let time = times.first(where: { !isTime($0) }) ?? (try? Sample(times))?.median {
        found.add(seconds: time, from: "google-benchmark")
      }
    }
    for row in chosen {
      for (figure, field) in [("allocations", "allocs_per_iter"), ("peak bytes", "max_bytes_used")]
      {
        guard let count = try row.fields.number(field), count >= 0, count < 1e18 else { continue }
        found.count(figure, Int(count.rounded()))
        if figure == "allocations" { found.means.insert(figure) }
      }
    }
    return found
  }

  private func seconds(_ row: ForeignRow) throws -> Double? {
    guard let time = try row.number("real_time") else { return nil }
    let units = ["ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1]
    let unit = try row.text("time_unit") ?? "ns"
    guard let scale = units[unit] else {
      throw ResultFault.badValue(path, "\(row.place) has the time unit '\(unit)'")
    }
    return time * scale
  }
}
