package import Foundation
package import Quantities

/// Reads run files: JSON Lines, a header and then a record a line.
///
/// A torn last line (a run that was killed while writing) is forgiven and reported; nothing else is.
package enum RunFile {
  package static func read(_ path: String) throws -> Run {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw RunFileFault.missing(path)
    }
    return try parse(data, from: path)
  }

  package static func parse(_ data: Data, from path: String) throws -> Run {
    let ended = data.last == UInt8(ascii: "\n")
    var lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    guard let first = lines.first, lines.contains(where: { !$0.isEmpty }) else {
      throw RunFileFault.empty(path)
    }
    let header = try header(first, path)
    var records: [Record] = []
    for (index, line) in lines.enumerated().dropFirst() {
      do {
        records.append(try JSONText.decode(Record.self, from: Data(line)))
      } catch {
        // Only the last line, and only one without its line break, can be the mark of a kill.
        if index == lines.count - 1, !ended {
          return Run(header: header, records: records, tornLine: true)
        }
        throw RunFileFault.badLine(path, index + 1, "\(error)")
      }
    }
    return Run(header: header, records: records)
  }

  private struct SchemaLine: Decodable { let schema: String }

  private static func header(_ line: Data, _ path: String) throws -> RunHeader {
    guard let named = try? JSONText.decode(SchemaLine.self, from: Data(line)) else {
      throw RunFileFault.notARun(path)
    }
    guard named.schema == Schema.run else { throw RunFileFault.otherSchema(path, named.schema) }
    do {
      return try JSONText.decode(RunHeader.self, from: Data(line))
    } catch {
      throw RunFileFault.badLine(path, 1, "\(error)")
    }
  }
}

/// What can be wrong with a run file.
package enum RunFileFault: FaultConvertible, Hashable {
  case missing(String)
  case empty(String)
  case notARun(String)
  case otherSchema(String, String)
  case badLine(String, Int, String)

  package var fault: Fault {
    switch self {
    case .missing(let path):
      Fault(
        "there is no run file to read", at: path,
        fix: "make one with: headroom sweep SUITE -o \(path)")
    case .empty(let path):
      Fault("the run file is empty", at: path, fix: "run the sweep again with --replace")
    case .notARun(let path):
      Fault(
        "the first line is not a run's header", at: "\(path):1",
        fix: "give a file that headroom sweep wrote (JSON Lines, schema \(Schema.run))")
    case .otherSchema(let path, let schema):
      Fault(
        "the run file has schema '\(schema)', and this program reads '\(Schema.run)'",
        at: "\(path):1", fix: "read it with the version of headroom that wrote it")
    case .badLine(let path, let line, let why):
      Fault(
        "a line of the run file cannot be read: \(why)", at: "\(path):\(line)",
        fix: "restore the file, or run the sweep again with --replace")
    }
  }
}
