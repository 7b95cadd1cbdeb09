package import Quantities
package import Records

/// Paired timings of any program, in the plain form
/// `{"cells": [{"name": …, "blocks": [{"base": [s], "head": [s]}, …]}]}`.
package struct PairedTimings: Codable, Sendable {
  package var cells: [Cell]
  /// Base against itself, where that was measured beside them.
  package var null: [PairedBlock]?

  package struct Cell: Codable, Sendable {
    package var name: String
    package var tolerance: GateTolerance?
    package var blocks: [PairedBlock]
    /// Why a side did not end well: the case is not judged beyond its blocks.
    package var failure: String?

    package init(
      name: String, tolerance: GateTolerance?, blocks: [PairedBlock], failure: String? = nil
    ) {
      self.failure = failure
      self.name = name
      self.tolerance = tolerance
      self.blocks = blocks
    }
  }

  package init(cells: [Cell], null: [PairedBlock]?) {
    self.cells = cells
    self.null = null
  }

  package static let noun = "file of paired timings"

  static func unreadable(_ path: String, _ reason: InputFault.Reason) -> InputFault {
    InputFault(
      path: path, noun: noun, reason: reason,
      mend: "give {\"cells\": [{\"name\": …, \"blocks\": [{\"base\": [s], \"head\": [s]}, …]}]}")
  }

  package static func parse(_ input: InputFile) throws -> PairedTimings {
    let path = input.path
    let timings: PairedTimings
    do throws(InputFault.Reason) {
      timings = try StoredJSON.decode(PairedTimings.self, from: input.bytes)
    } catch {
      throw unreadable(path, error)
    }
    var names = Set<String>()
    for cell in timings.cells {
      guard names.insert(cell.name).inserted else {
        throw PairedTimingsFault.duplicate(path, cell.name)
      }
      for (index, block) in cell.blocks.enumerated() {
        if let defect = block.defect {
          throw PairedTimingsFault.badTime(path, cell.name, block: index + 1, defect)
        }
      }
    }
    for (index, block) in (timings.null ?? []).enumerated() {
      if let defect = block.defect {
        throw PairedTimingsFault.badTime(path, "null", block: index + 1, defect)
      }
    }
    return timings
  }

  /// Judges the blocks in their order, as if they had just been measured.
  package func judged(by rule: GateRule = .standard, tolerance: GateTolerance = .standard)
    -> SuiteJudge
  {
    var judge = SuiteJudge(
      cases: cells.map { ($0.name, $0.tolerance ?? tolerance) }, hasNull: null != nil, rule: rule)
    var used = [Int](repeating: 0, count: cells.count)
    while true {
      let open = judge.open
      if open.isEmpty { break }
      for index in open {
        guard used[index] < cells[index].blocks.count else {
          judge.close(index, because: cells[index].failure)
          continue
        }
        judge.take(cells[index].blocks[used[index]].difference, for: index)
        used[index] += 1
      }
    }
    for block in null ?? [] { judge.takeNull(block.difference) }
    return judge
  }
}

extension PairedTimings {
  /// The verdicts; a case with a side that did not end well has failed, whatever its blocks say.
  package func answer(by rule: GateRule = .standard, tolerance: GateTolerance = .standard)
    -> GateAnswer
  {
    let timed = judged(by: rule, tolerance: tolerance).answer
    let settled = zip(timed.cells, cells).map { cell, given in
      given.failure.map { cell.with(.failed, $0) } ?? cell
    }
    return GateAnswer(
      verdict: SuiteVerdict(cases: settled, isContaminated: timed.null == .contaminated),
      cells: settled, null: timed.null)
  }
}

/// What can be wrong with paired timings.
package enum PairedTimingsFault: FaultConvertible, Hashable {
  case answer(String)
  case otherSchema(String, String)
  case duplicate(String, String)
  case badTime(String, String, block: Int, String)

  package var fault: Fault {
    switch self {
    case .answer(let path):
      Fault(
        "this is what a gate answered, without the timings it rests on", at: path,
        fix: "give the result that headroom gate wrote to -o")
    case .otherSchema(let path, let schema):
      Fault(
        "it has schema '\(schema)', and this program judges '\(GateResult.schema)'", at: path,
        fix: "give a result of headroom gate, or read it with the version that wrote it")
    case .duplicate(let path, let name):
      Fault("two cells are called '\(name)'", at: path, fix: "give each a name of its own")
    case .badTime(let path, let name, let block, let defect):
      Fault(
        "\(defect), in block \(block) of '\(name)'", at: path,
        fix: "give seconds above 0, at least one a side")
    }
  }
}
