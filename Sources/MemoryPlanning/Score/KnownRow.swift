/// A figure of memory that somebody published, logged or measured.
package struct KnownRow: Hashable, Sendable {
  /// Of the file, counted from 2: its first line has the names.
  package let line: Int
  package let source: String
  package let model: String
  /// The count of weights, where the row has one.
  package let params: Int?
  package let settings: String
  package let quantity: String
  package let value: String
  package let unit: String
  package let note: String

  /// What sort of figure it is: `exact`, `measured`, `paper` and so on.
  package var kind: String {
    String(note.prefix { $0 != ";" && $0 != " " && $0 != "," && $0 != ":" })
  }

  /// - Throws: `KnownFault` for a file that is none of such rows.
  package static func read(_ text: String) throws -> [KnownRow] {
    var lines = CSVLines.read(text)
    guard let names = lines.first?.cells else { throw KnownFault.empty }
    lines.removeFirst()
    let wanted = ["source", "model", "settings", "quantity", "value", "unit", "note"]
    let places = try wanted.map { name -> Int in
      guard let place = names.firstIndex(of: name) else {
        throw KnownFault.noColumn(name, among: names)
      }
      return place
    }
    let params = names.firstIndex(of: "params")
    return try lines.map { line in
      guard line.cells.count == names.count else {
        throw KnownFault.otherCount(line: line.number, cells: line.cells.count, names: names.count)
      }
      let cells = places.map { line.cells[$0] }
      return KnownRow(
        line: line.number, source: cells[0], model: cells[1],
        params: params.flatMap { Int(line.cells[$0]) }, settings: cells[2],
        quantity: cells[3], value: cells[4], unit: cells[5], note: cells[6])
    }
  }
}

/// Lines of comma-separated values, some in quotes.
///
/// - Source: RFC 4180.
enum CSVLines {
  static func read(_ text: String) -> [(number: Int, cells: [String])] {
    var found: [(Int, [String])] = []
    var (cells, cell, isQuoted, number, first) = ([String](), [UInt8](), false, 1, 1)
    func string(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
    let bytes = Array(text.utf8)
    var index = 0
    func endLine() {
      cells.append(string(cell))
      if cells != [""] { found.append((first, cells)) }
      cells = []
      cell = []
    }
    while index < bytes.count {
      let byte = bytes[index]
      switch byte {
      case UInt8(ascii: "\""):
        if isQuoted, index + 1 < bytes.count, bytes[index + 1] == byte {
          cell.append(byte)
          index += 1
        } else {
          isQuoted.toggle()
        }
      case UInt8(ascii: ",") where !isQuoted:
        cells.append(string(cell))
        cell = []
      case UInt8(ascii: "\n") where !isQuoted:
        endLine()
        number += 1
        first = number
      case UInt8(ascii: "\r") where !isQuoted: break
      default:
        if byte == UInt8(ascii: "\n") { number += 1 }
        cell.append(byte)
      }
      index += 1
    }
    if !cell.isEmpty || !cells.isEmpty { endLine() }
    return found.map { (number: $0.0, cells: $0.1) }
  }
}
