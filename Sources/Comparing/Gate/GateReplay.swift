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
    // Whole, and every time of it one that can be.
    _ = try PairedTimings.parse(input)
    do throws(InputFault.Reason) {
      let result = try StoredJSON.decode(GateResult.self, from: input.bytes)
      if let defect = result.defect { throw .wrong(defect) }
      return .result(result)
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
