import Foundation
import OrderedCollections

/// hyperfine's `--export-json`: each run of a command is a process of its own.
///
/// - Source: sharkdp/hyperfine, "Export results".
struct HyperfineFile: Decodable {
  let results: [Row]

  struct Row: Decodable {
    let command: String
    let median: Double?
    let times: [Double]?
    let exit_codes: [Int?]?
  }

  func results(_ path: String) throws -> ResultSet {
    var set = ResultSet(tool: .hyperfine, machine: nil)
    for row in results {
      var found = ResultCase()
      if let code = (row.exit_codes ?? []).lazy.compactMap(\.self).first(where: { $0 != 0 }) {
        found.failure = "a run of it left with \(code)"
      }
      found.seconds = row.times.flatMap { $0.isEmpty ? nil : $0 } ?? row.median.map { [$0] } ?? []
      if let bad = found.seconds.first(where: { !($0 > 0 && $0.isFinite) }) {
        throw ResultFault.badValue(path, "'\(row.command)' has the time \(bad) s")
      }
      guard set.cases.updateValue(found, forKey: row.command) == nil else {
        throw ResultFault.badValue(path, "two results are called '\(row.command)'")
      }
    }
    return set
  }
}
