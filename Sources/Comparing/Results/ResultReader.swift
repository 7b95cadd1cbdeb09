package import Foundation
package import Quantities
import Records

/// Reads what this or another tool measured, whichever of the known forms it has; of a folder, each
/// file is what another process measured.
package enum ResultReader {
  package static func read(_ path: String) throws -> ResultSet {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw ResultFault.missing(path)
    }
    guard isFolder.boolValue else {
      return try parse(FileManager.default.contents(atPath: path) ?? Data(), from: path)
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    let files = names.filter { !$0.hasPrefix(".") }.map { "\(path)/\($0)" }
    guard let first = files.first else { throw ResultFault.empty(path) }
    var whole = try read(first)
    for file in files.dropFirst() {
      let other = try read(file)
      guard other.tool == whole.tool, other.machine == whole.machine else {
        throw ResultFault.mixed(file, first)
      }
      whole.merge(other)
    }
    return whole
  }

  package static func parse(_ data: Data, from path: String) throws -> ResultSet {
    let text = String(decoding: data, as: UTF8.self)
    guard let first = text.first(where: { !$0.isWhitespace }) else { throw ResultFault.empty(path) }
    switch first {
    case "[": return try LlamaBenchRow.results(decode([LlamaBenchRow].self, data, path), path)
    case "{": return try parseObject(data, text, path)
    case _ where GoBenchmarkText.isLikely(text):
      return try GoBenchmarkText.results(text, path)
    default: throw ResultFault.unknown(path)
    }
  }

  /// Any of the keys tells the tool.
  private struct Keys: Decodable {
    let schema: String?
    let n_prompt: Int?
    let benchmarks: Present?
    let results: Present?

    struct Present: Decodable { init(from decoder: any Decoder) throws {} }
  }

  private static func parseObject(_ data: Data, _ text: String, _ path: String) throws -> ResultSet
  {
    let lines = text.split(separator: "\n").filter { $0.contains { !$0.isWhitespace } }
    let whole = try? JSONDecoder().decode(Keys.self, from: data)
    let line = try? JSONDecoder().decode(Keys.self, from: Data(lines[0].utf8))
    guard let keys = whole ?? line else { throw ResultFault.unknown(path) }
    if keys.schema == GateResult.schema {
      return ResultSet(try decode(path) { try JSONText.decode(GateResult.self, from: data) })
    }
    if keys.schema != nil { return ResultSet(try RunFile.parse(data, from: path)) }
    if keys.n_prompt != nil {
      let rows = try lines.enumerated().map { index, line in
        try decode(LlamaBenchRow.self, Data(line.utf8), "\(path):\(index + 1)")
      }
      return try LlamaBenchRow.results(rows, path)
    }
    if keys.benchmarks != nil {
      return try decode(GoogleBenchmarkFile.self, data, path).results(path)
    }
    if keys.results != nil { return try decode(HyperfineFile.self, data, path).results(path) }
    throw ResultFault.unknown(path)
  }

  private static func decode<Value: Decodable>(
    _ type: Value.Type, _ data: Data, _ path: String
  ) throws -> Value {
    try decode(path) { try JSONDecoder().decode(type, from: data) }
  }

  private static func decode<Value>(_ path: String, _ value: () throws -> Value) throws -> Value {
    do {
      return try value()
    } catch let error as DecodingError {
      throw ResultFault.badValue(path, error.place)
    }
  }
}

/// What can be wrong with a file of results.
package enum ResultFault: FaultConvertible, Hashable {
  case missing(String)
  case empty(String)
  case unknown(String)
  case badValue(String, String)
  case mixed(String, String)

  package var fault: Fault {
    switch self {
    case .missing(let path):
      Fault(
        "there are no results to read", at: path,
        fix: "make them with: headroom sweep SUITE -o \(path)")
    case .empty(let path):
      Fault("there are no results in it", at: path, fix: "measure again")
    case .unknown(let path):
      Fault(
        "these are results of no tool that is known here", at: path,
        fix:
          "give a file of headroom sweep or gate, or the JSON of google-benchmark, llama-bench or "
          + "hyperfine, or what go test -bench printed")
    case .badValue(let place, let why):
      Fault(
        "the results cannot be read: \(why)", at: place,
        fix: "give the file whole, as the tool wrote it")
    case .mixed(let path, let first):
      Fault(
        "it is of another tool or machine than \(first)", at: path,
        fix: "keep what one machine measured by one tool in a folder of its own")
    }
  }
}
