package import Foundation
import Records

/// What a gate judged, or could: a stored result with all that was found beside times, or any
/// program's paired timings.
package enum GateReplay: Sendable {
  case result(GateResult)
  case timings(PairedTimings)

  package static func read(_ path: String) throws -> GateReplay {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw PairedTimingsFault.missing(path)
    }
    return try parse(data, from: path)
  }

  package static func parse(_ data: Data, from path: String) throws -> GateReplay {
    struct SchemaKey: Decodable { let schema: String }
    guard let named = try? JSONText.decode(SchemaKey.self, from: data) else {
      if isAnswer(data) { throw PairedTimingsFault.answer(path) }
      return .timings(try PairedTimings.parse(data, from: path))
    }
    guard named.schema == GateResult.schema else {
      throw PairedTimingsFault.otherSchema(path, named.schema)
    }
    // Whole, and every time of it one that can be.
    _ = try PairedTimings.parse(data, from: path)
    do {
      return .result(try JSONText.decode(GateResult.self, from: data))
    } catch let error as DecodingError {
      throw PairedTimingsFault.unreadable(path, error.place)
    }
  }

  /// What `--json` writes counts blocks and has none.
  private static func isAnswer(_ data: Data) -> Bool {
    struct Answer: Decodable {
      let verdict: String
      let cells: [Cell]

      struct Cell: Decodable { let blocks: Int }
    }
    return (try? JSONText.decode(Answer.self, from: data)) != nil
  }
}
