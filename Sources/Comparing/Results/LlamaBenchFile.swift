import Foundation
import OrderedCollections
import Records
import Statistics

/// llama-bench's `-o json` (one array) and `-o jsonl` (a row a line): each row's repetitions are one
/// value, and whatever is no result is a setting.
///
/// - Source: ggml-org/llama.cpp, "llama-bench", output formats.
enum LlamaBenchFile {
  /// What was measured, and by which program, when and where.
  private static let results: Set<String> = [
    "avg_ns", "stddev_ns", "avg_ts", "stddev_ts", "samples_ns", "samples_ts", "test_time",
    "build_commit", "build_number", "cpu_info", "gpu_info", "backends", "model_size",
  ]
  static func results(_ rows: [ForeignRow]) throws -> ResultSet {
    guard let first = rows.first else { return ResultSet(tool: .llamaBench, machine: nil) }
    let machine = try machine(of: first)
    var set = ResultSet(tool: .llamaBench, machine: machine)
    for row in rows {
      guard try self.machine(of: row) == machine else {
        throw ResultFault.badValue(row.path, "its rows are of several machines")
      }
      var found = ResultCase()
      let average = try row.number("avg_ns")
      let samples = try row.numbers("samples_ns") ?? []
      let times = samples.isEmpty ? [average].compactMap(\.self) : samples
      if times.isEmpty { found.absence = "llama-bench gives no time" }
      let bad = times.first { !isTime($0 / 1e9) }
      if let median = bad ?? (try? Sample(times))?.median {
        found.add(seconds: median / 1e9, from: "llama-bench")
      }
      found.count("model bytes", try row.number("model_size").flatMap { Int(exactly: $0) })
      set.results[try key(of: row), default: ResultCase()].merge(found)
    }
    return set
  }

  private static func machine(of row: ForeignRow) throws -> ResultMachine {
    .described([
      "processor": try row.text("cpu_info") ?? "not said",
      "accelerator": try row.text("gpu_info") ?? "none",
      "backends": try row.text("backends") ?? "not said",
    ])
  }

  /// `llama-bench/model=llama 8B Q4_0,test=pp512@d4096`, and the settings that differ.
  private static func key(of row: ForeignRow) throws -> ResultKey {
    func count(_ key: String) throws -> Int {
      let number = try row.number(key) ?? 0
      guard let count = Int(exactly: number) else {
        throw ResultFault.badValue(row.path, "\(row.place).\(key) is \(number)")
      }
      return count
    }
    guard row.fields["n_prompt"] != nil else { throw row.missing("n_prompt") }
    guard row.fields["n_gen"] != nil else { throw row.missing("n_gen") }
    let (prompt, generated) = (try count("n_prompt"), try count("n_gen"))
    let depth = try count("n_depth")
    var test = [prompt > 0 ? "pp\(prompt)" : nil, generated > 0 ? "tg\(generated)" : nil]
      .compactMap(\.self).joined(separator: "+")
    if depth > 0 { test += "@d\(depth)" }
    let model = try row.requiredText("model_type")
    var key = ResultKey(
      "llama-bench/model=\(model.split(separator: ",").joined(separator: ";")),test=\(test)")
    // As it is written, should two differ by a comma.
    key.settings["model_type"] = model
    for (name, value) in row.settings(
      except: results.union(["model_type", "n_prompt", "n_gen", "n_depth"]))
    {
      key.settings[name] = value
    }
    return key
  }
}
