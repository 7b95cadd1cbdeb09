import Foundation
import OrderedCollections
package import Quantities
package import Records

/// Reads what this or another tool measured, whichever of the known forms it has; of a folder, each
/// file is what another process measured.
package enum ResultReader {
  package static let noun = "file of results"
  private static let largestText = Bytes.mebibytes(16)

  package static func read(_ path: String) throws -> ResultSet {
    var isFolder: ObjCBool = false
    _ = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    guard isFolder.boolValue else { return try parse(open(path)) }
    let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    let files = names.filter { !$0.hasPrefix(".") }.map { "\(path)/\($0)" }
    guard let first = files.first else { throw ResultFault.nothing(path) }
    let input = try open(first)
    var whole = try parse(input)
    var seen = [Digest(input.bytes): first]
    for file in files.dropFirst() {
      let input = try open(file)
      // No two processes take the same times to the last digit.
      if let twin = seen.updateValue(file, forKey: Digest(input.bytes)) {
        whole.notes.append("\(file) is \(twin) once more, byte for byte: it is left out")
        continue
      }
      let other = try parse(input)
      guard other.tool == whole.tool, other.machine == whole.machine else {
        throw ResultFault.mixed(file, first)
      }
      whole.merge(other)
    }
    return whole
  }

  private static func open(_ path: String) throws -> InputFile {
    try InputFile(path, as: noun, fix: "make one with: headroom sweep SUITE -o \(path)")
  }

  package static func parse(_ input: InputFile) throws -> ResultSet {
    let path = input.path
    switch input.bytes.first(where: { !$0.isBlank }) {
    case nil: throw ResultFault.nothing(path)
    case UInt8(ascii: "["):
      guard case .list(let list) = try value(input.bytes, path) else { break }
      guard !list.isEmpty else { throw ResultFault.nothing(path) }
      return try LlamaBenchFile.results(
        list.enumerated().map { try ForeignRow($1, path, "[\($0)]") })
    case UInt8(ascii: "{"): return try parseObject(input)
    default:
      guard input.bytes.count <= largestText.count else {
        throw InputFault(path: path, noun: noun, reason: .tooLarge(largestText))
      }
      let text = input.text
      guard GoBenchmarkText.isLikely(text) else { break }
      let set = try GoBenchmarkText.results(text, path)
      if !set.results.isEmpty { return set }
    }
    throw ResultFault.unknown(path)
  }

  private static func parseObject(_ input: InputFile) throws -> ResultSet {
    let path = input.path
    let fields = JSONStructure.topFields(of: input.bytes)
    if let schema = fields["schema"] {
      guard schema == GateResult.schema else { return ResultSet(try RunFile.parse(input)) }
      guard case .result(let result) = try GateReplay.parse(input) else {
        throw ResultFault.unknown(path)
      }
      return ResultSet(result)
    }
    if fields["n_prompt"] != nil { return try LlamaBenchFile.results(llamaRows(input)) }
    let file = try value(input.bytes, path)
    if file["benchmarks"] != nil { return try GoogleBenchmarkFile.results(file, path) }
    if file["results"] != nil { return try HyperfineFile.results(file, path) }
    throw ResultFault.unknown(path)
  }

  /// One object, on as many lines as it likes, or one a line.
  private static func llamaRows(_ input: InputFile) throws -> [ForeignRow] {
    let lines = input.bytes.split(
      separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false
    ).enumerated().filter { $0.element.contains { !$0.isBlank } }
    let first = Data(lines.first?.element ?? Data())
    guard (try? JSONStructure.check(first, ofOwn: false)) != nil else {
      return [try ForeignRow(try value(input.bytes, input.path), input.path, "the top")]
    }
    return try lines.map { index, line in
      let place = "\(input.path):\(index + 1)"
      return try ForeignRow(try value(Data(line), place), place, "the top")
    }
  }

  private static func value(_ data: Data, _ path: String) throws -> JSONValue {
    do throws(InputFault.Reason) {
      return try JSONValue.read(data)
    } catch {
      throw InputFault(
        path: path, noun: noun, reason: error, mend: "give the file whole, as the tool wrote it")
    }
  }
}

extension UInt8 {
  fileprivate var isBlank: Bool { self <= 0x20 }
}

/// What can be wrong with a file of results, beside what can be wrong with any file.
package enum ResultFault: FaultConvertible, Hashable {
  case nothing(String)
  case unknown(String)
  case badValue(String, String)
  case mixed(String, String)

  package var fault: Fault {
    switch self {
    case .nothing(let path):
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
