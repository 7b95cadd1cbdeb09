package import Quantities
package import Records
import OrderedCollections
import Statistics

/// One file as a history holds it.
package struct HistoryEntry: Sendable {
  let digest: String
  let kind: Kind
  let suite: String
  let fingerprint: String
  let machineName: String
  let commit: String?
  let anchor: String?
  let measurements: [Measurement]

  enum Kind: String {
    case run, gate
  }

  struct Measurement {
    let name: String
    let median: Double
    let low: Double?
    let high: Double?
    let processes: Int
    let ratio: HistorySeries.Ratio?
    let figures: [String: Int]
  }

  /// - Parameter anchor: what base is called, where the file is a gate's against a pinned build.
  package static func read(_ path: String, anchor: String?) throws -> HistoryEntry {
    let input = try InputFile(
      path, as: ResultReader.noun, fix: "make one with: headroom sweep SUITE -o \(path)")
    return try HistoryEntry(input, anchor: anchor)
  }

  package init(_ input: InputFile, anchor: String?) throws {
    let path = input.path
    let set: ResultSet
    var ratios: [String: HistorySeries.Ratio] = [:]
    if StoredJSON.schema(of: input.bytes) == GateResult.schema {
      guard case .result(let result) = try GateReplay.parse(input) else {
        throw ResultFault.unknown(path)
      }
      set = ResultSet(result)
      kind = .gate
      suite = result.suite.name
      for cell in result.cells {
        ratios[cell.name] = cell.judged.change.map { change in
          .init(
            median: 1 + change.median, low: change.low.map { 1 + $0 },
            high: change.high.map { 1 + $0 })
        }
      }
    } else {
      let run = try RunFile.parse(input)
      set = ResultSet(run)
      kind = .run
      suite = run.header.suite.name
      if anchor != nil { throw HistoryEntryFault.noBase(path) }
    }
    guard let machine = set.machine?.fingerprint else { throw ResultFault.unknown(path) }
    self.anchor = anchor
    fingerprint = String(decoding: try JSONText.encode(machine), as: UTF8.self)
    machineName =
      "\(machine.cpuModel) (\(machine.cpuStepping)), \(machine.visibleCores) cores"
    commit = set.build?.commit.value
    digest = Digest(input.bytes).text
    measurements = set.cases.compactMap { name, found in
      guard let sample = try? Sample(found.seconds) else { return nil }
      let interval = Interval(ofMedianOf: sample, counting: "processes").value
      return Measurement(
        name: name, median: sample.median, low: interval?.low, high: interval?.high,
        processes: sample.count, ratio: ratios[name],
        figures: Dictionary(
          uniqueKeysWithValues: found.counted.compactMap { name, values in
            values.count == 1 ? values.first.map { (name, $0) } : nil
          }))
    }
    guard !measurements.isEmpty else { throw ResultFault.nothing(path) }
  }
}

/// What can be wrong with what is added.
package enum HistoryEntryFault: FaultConvertible, Hashable {
  case noBase(String)

  package var fault: Fault {
    switch self {
    case .noBase(let path):
      Fault(
        "only a gate's result has a base that could be an anchor", at: path,
        fix: "leave out --anchor, or add a result of: headroom gate SUITE --base ANCHOR")
    }
  }
}
