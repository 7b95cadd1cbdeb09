import Foundation
import Records

// While a gate runs, its result's file is the document as it was before any block, on one line, and
// below it a line for each block. It is the document alone once the gate has ended.

extension GateResult {
  /// What a running gate adds to its result, a line each.
  package enum Entry: Codable, Sendable {
    case block(cell: String, times: PairedBlock, base: ExactMetrics, head: ExactMetrics)
    /// Base against itself.
    case null(times: PairedBlock)
    /// A side did not end well: the case has no more blocks.
    case failure(cell: String, reason: String)
  }

  /// The document's part of a result's bytes, and the lines below it, where there are any.
  static func parts(of bytes: Data) -> (document: Data, lines: [Data]) {
    let lines = bytes.split(separator: UInt8(ascii: "\n"))
    // A document that was laid out for people does not end with its first line.
    guard let first = lines.first, lines.count > 1,
      (try? JSONStructure.check(Data(first), ofOwn: true)) != nil
    else { return (bytes, []) }
    return (Data(first), lines.dropFirst().map { Data($0) })
  }

  /// The result with what a gate that did not end had added to it, judged anew.
  ///
  /// - Parameter ended: whether the last line has its line break: half a line is the mark of a kill, and
  ///   is left out.
  func adding(_ lines: [Data], ended: Bool) throws(InputFault.Reason) -> GateResult {
    var result = self
    result.isUnfinished = true
    let judged = cells.indices.filter { cells[$0].tolerance != nil }
    let places = Dictionary(judged.map { (cells[$0].name, $0) }) { first, _ in first }
    var counts: [Int: (base: [ExactMetrics], head: [ExactMetrics])] = [:]
    for (index, line) in lines.enumerated() {
      let number = "line \(index + 2)"
      let entry: Entry
      do throws(InputFault.Reason) {
        entry = try StoredJSON.decode(Entry.self, from: line)
      } catch {
        if error == .cutOff, index == lines.count - 1, !ended { break }
        throw .wrong("\(number) is no block of a gate")
      }
      if let defect = entry.times?.defect { throw .wrong("\(defect), in \(number)") }
      func place(of cell: String) throws(InputFault.Reason) -> Int {
        guard let place = places[cell] else {
          throw .wrong("\(number) is of a case that is not judged")
        }
        return place
      }
      switch entry {
      case .null(let times): result.null.append(times)
      case .failure(let cell, let reason):
        result.cells[try place(of: cell)].findings.failure = reason
      case .block(let cell, let times, let base, let head):
        let place = try place(of: cell)
        result.cells[place].blocks.append(times)
        counts[place, default: ([], [])].base.append(base)
        counts[place, default: ([], [])].head.append(head)
      }
    }
    for (place, counts) in counts {
      result.cells[place].findings.exact = ExactComparison(base: counts.base, head: counts.head)
    }
    return result.replayed()
  }
}

extension GateResult.Entry {
  fileprivate var times: PairedBlock? {
    switch self {
    case .block(_, let times, _, _), .null(let times): times
    case .failure: nil
    }
  }
}
