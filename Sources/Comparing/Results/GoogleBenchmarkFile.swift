import Foundation
import OrderedCollections
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
    let family: [String]
    let isAggregate: Bool
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
    if try context.text("library_build_type") == "debug" {
      set.notes.append("\(path) was measured by a debug build of google-benchmark")
    }
    let read = GoogleBenchmarkFile(
      rows: apart(try ForeignRow.rows(file, "benchmarks", path).map(row)), path: path)
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

  private static func row(_ fields: ForeignRow) throws -> Row {
    let name = try fields.text("run_name") ?? fields.requiredText("name")
    var key = ResultKey(name)
    for setting in ["label", "threads"] {
      key.settings[setting] = fields.fields[setting]?.setting
    }
    return Row(
      fields: fields, key: key,
      family: ["family_index", "per_family_instance_index"].map {
        fields.fields[$0]?.setting ?? ""
      },
      isAggregate: try fields.text("run_type") == "aggregate")
  }

  /// Registrations of one name and one label are told apart by their order, and only where the other
  /// side has as many can they be the same.
  private static func apart(_ rows: [Row]) -> [Row] {
    var families: [ResultKey: OrderedSet<[String]>] = [:]
    for row in rows { families[row.key, default: []].append(row.family) }
    return rows.map { given in
      guard let all = families[given.key], all.count > 1,
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
      found.skip = try skipped.fields.text("skip_message") ?? "it was skipped without a message"
      return found
    }
    // Means and deviations of repetitions that are there themselves, unless they were left out.
    let repetitions = rows.filter { !$0.isAggregate }
    let chosen =
      repetitions.isEmpty
      ? try rows.filter { try $0.fields.text("aggregate_name") == "median" } : repetitions
    let times = try chosen.compactMap { try seconds($0.fields) }
    if let sample = try? Sample(times) {
      let bad = times.first { !($0 > 0 && $0.isFinite) }
      found.add(seconds: bad ?? sample.median, from: "google-benchmark")
    } else if try rows.contains(where: { try $0.fields.text("aggregate_name") == "mean" }) {
      found.absence = "there are no repetitions, and no median of them"
    } else {
      return nil
    }
    for row in chosen {
      for (figure, field) in [("allocations", "allocs_per_iter"), ("peak bytes", "max_bytes_used")]
      {
        guard let count = try row.fields.number(field), count >= 0, count < 1e15 else { continue }
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
