import Foundation
import OrderedCollections
import Statistics

/// llama-bench's `-o json` (one array) and `-o jsonl` (a row a line): each row's repetitions are one
/// value.
///
/// - Source: ggml-org/llama.cpp, "llama-bench", output formats.
struct LlamaBenchRow: Decodable {
  let cpu_info: String?
  let gpu_info: String?
  let backends: String?
  let model_type: String
  let model_size: Int?
  let n_batch: Int?
  let n_ubatch: Int?
  let n_threads: Int?
  let type_k: String?
  let type_v: String?
  let n_gpu_layers: Int?
  let flash_attn: Flag?
  let n_prompt: Int
  let n_gen: Int
  let n_depth: Int?
  let avg_ns: Double
  let samples_ns: [Double]?

  /// Written as a number by some versions, as a word or a truth value by others.
  struct Flag: Decodable {
    let text: String

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let flag = try? container.decode(Bool.self) {
        text = flag ? "1" : "0"
      } else if let number = try? container.decode(Int.self) {
        text = "\(number)"
      } else {
        text = try container.decode(String.self)
      }
    }
  }

  static func results(_ rows: [LlamaBenchRow], _ path: String) throws -> ResultSet {
    guard let first = rows.first else { throw ResultFault.empty(path) }
    var set = ResultSet(tool: .llamaBench, machine: first.machine)
    for row in rows {
      guard row.machine == first.machine else {
        throw ResultFault.badValue(path, "its rows are of several machines")
      }
      var found = ResultCase()
      let samples = row.samples_ns.flatMap { $0.isEmpty ? nil : $0 } ?? [row.avg_ns]
      if let bad = samples.first(where: { !($0 > 0 && $0.isFinite) }) {
        throw ResultFault.badValue(path, "'\(row.name)' has the time \(bad) ns")
      }
      found.seconds = [try Sample(samples).median / 1e9]
      found.count("model bytes", row.model_size)
      set.cases[row.name, default: ResultCase()].merge(found)
    }
    return set
  }

  private var machine: ResultMachine {
    .described([
      "processor": cpu_info ?? "not said", "accelerator": gpu_info ?? "none",
      "backends": backends ?? "not said",
    ])
  }

  /// `llama-bench/model=llama 8B Q4_0,test=pp512@d4096,threads=8,…`
  private var name: String {
    var test = [n_prompt > 0 ? "pp\(n_prompt)" : nil, n_gen > 0 ? "tg\(n_gen)" : nil]
      .compactMap(\.self).joined(separator: "+")
    if let n_depth, n_depth > 0 { test += "@d\(n_depth)" }
    let axes: [(String, String?)] = [
      ("model", model_type), ("test", test), ("threads", n_threads.map { "\($0)" }),
      ("batch", n_batch.map { "\($0)" }), ("ubatch", n_ubatch.map { "\($0)" }),
      ("type-k", type_k), ("type-v", type_v), ("gpu-layers", n_gpu_layers.map { "\($0)" }),
      ("flash-attention", flash_attn?.text),
    ]
    return "llama-bench/"
      + axes.compactMap { name, value in
        value.map { "\(name)=\($0.split(separator: ",").joined(separator: ";"))" }
      }
      .joined(separator: ",")
  }
}
