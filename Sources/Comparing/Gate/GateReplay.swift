package import Records

/// What a gate judged, or could: a stored result with all that was found beside times, or any
/// program's paired timings.
package enum GateReplay: Sendable {
  case result(GateResult)
  case timings(PairedTimings)

  package static func read(_ path: String) throws -> GateReplay {
    try parse(
      try InputFile(
        path, as: PairedTimings.noun,
        fix: "make them with: headroom gate SUITE --base BUILD --head BUILD -o \(path)"))
  }

  package static func parse(_ input: InputFile) throws -> GateReplay {
    let path = input.path
    guard let schema = StoredJSON.schema(of: input.bytes) else {
      if isAnswer(input) { throw PairedTimingsFault.answer(path) }
      return .timings(try PairedTimings.parse(input))
    }
    guard schema == GateResult.schema else { throw PairedTimingsFault.otherSchema(path, schema) }
    let (document, lines) = GateResult.parts(of: input.bytes)
    // Whole, and every time of it one that can be.
    _ = try PairedTimings.parse(
      lines.isEmpty ? input : InputFile(document, from: path, as: PairedTimings.noun))
    do throws(InputFault.Reason) {
      let result = try StoredJSON.decode(GateResult.self, from: document)
      if let defect = result.defect { throw .wrong(defect) }
      if lines.isEmpty { return .result(result) }
      return .result(
        try result.adding(lines, ended: input.bytes.last == UInt8(ascii: "\n")))
    } catch {
      throw PairedTimings.unreadable(path, error)
    }
  }

  /// What `--json` writes counts blocks and has none.
  private static func isAnswer(_ input: InputFile) -> Bool {
    struct Answer: Decodable {
      let verdict: String
      let cells: [Cell]

      struct Cell: Decodable { let blocks: Int }
    }
    return (try? StoredJSON.decode(Answer.self, from: input.bytes)) != nil
  }
}
