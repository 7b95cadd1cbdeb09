import Foundation
package import Quantities

/// Reads run files: JSON Lines, a header and then a record a line.
///
/// A torn last line (a run that was killed while writing) is forgiven and reported; nothing else is.
package enum RunFile {
  package static func read(_ path: String) throws -> Run { try parse(open(path)) }

  /// Several run files, each once, with what a reader should know of them: a sentence each.
  package static func read(all paths: [String]) throws -> (runs: [Run], notes: [String]) {
    var runs: [Run] = []
    var notes: [String] = []
    var seen: [Digest: String] = [:]
    for path in paths {
      let input = try open(path)
      if let twin = seen.updateValue(path, forKey: Digest(input.bytes)) {
        notes.append("\(path) is \(twin) once more, byte for byte: it is left out")
        continue
      }
      let run = try parse(input)
      if run.tornLine {
        notes.append("\(path): the last line was cut short by a kill, and is left out")
      }
      runs.append(run)
    }
    return (runs, notes + runs.flatMap(\.notes))
  }

  package static func open(_ path: String) throws -> InputFile {
    try InputFile(path, as: noun, fix: "make one with: headroom sweep SUITE -o \(path)")
  }

  package static let noun = "run file"

  package static func parse(_ input: InputFile) throws -> Run {
    let path = input.path
    let ended = input.bytes.last == UInt8(ascii: "\n")
    var lines = input.bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    guard let first = lines.first, lines.contains(where: { !$0.isEmpty }) else {
      throw InputFault(
        path: path, noun: noun, reason: .empty, mend: "run the sweep again with --replace")
    }
    var run = Run(header: try header(first, path), records: [])
    var places: [RecordKey: Int] = [:]
    for (index, line) in lines.enumerated().dropFirst() {
      let record: Record
      do throws(InputFault.Reason) {
        record = try StoredJSON.decode(Record.self, from: Data(line))
        if let defect = record.defect { throw .wrong(defect) }
      } catch {
        // Only the last line, and only one without its line break, can be the mark of a kill.
        if index == lines.count - 1, !ended {
          run.tornLine = true
          return run
        }
        throw RunFileFault.badLine(path, index + 1, error)
      }
      let key = RecordKey(id: record.case.id, run: record.run)
      if let earlier = places[key] {
        run.notes.append(
          "\(path):\(index + 1): process \(record.run) of \(key.id) stands in line \(earlier) "
            + "already: this one is left out")
        continue
      }
      places[key] = index + 1
      run.records.append(record)
    }
    return run
  }

  private struct RecordKey: Hashable {
    let id: String
    let run: Int
  }

  private static func header(_ line: Data, _ path: String) throws -> RunHeader {
    guard let schema = StoredJSON.schema(of: Data(line)) else { throw RunFileFault.notARun(path) }
    guard schema == Schema.run else { throw RunFileFault.otherSchema(path, schema) }
    do throws(InputFault.Reason) {
      let header = try StoredJSON.decode(RunHeader.self, from: Data(line))
      if let defect = header.defect { throw .wrong(defect) }
      return header
    } catch {
      throw RunFileFault.badLine(path, 1, error)
    }
  }
}

/// What can be wrong with a run file, beside what can be wrong with any file.
package enum RunFileFault: FaultConvertible, Hashable {
  case notARun(String)
  case otherSchema(String, String)
  case badLine(String, Int, InputFault.Reason)

  package var fault: Fault {
    switch self {
    case .notARun(let path):
      Fault(
        "the first line is not a run's header", at: "\(path):1",
        fix: "give a file that headroom sweep wrote (JSON Lines, schema \(Schema.run))")
    case .otherSchema(let path, let schema):
      Fault(
        "the run file has schema '\(schema)', and this program reads '\(Schema.run)'",
        at: "\(path):1", fix: "read it with the version of headroom that wrote it")
    case .badLine(let path, let line, let reason):
      Fault(
        "a line of the run file cannot be read: \(Self.words(reason))", at: "\(path):\(line)",
        fix: "restore the file, or run the sweep again with --replace")
    }
  }

  private static func words(_ reason: InputFault.Reason) -> String {
    switch reason {
    case .cutOff: "it ends in the middle of a value"
    case .empty: "it is empty"
    case .wrong(let why): why
    default: "\(reason)"
    }
  }
}
