package import Quantities
package import Records

/// A gate's run as it is stored: verdicts, and the raw blocks that they can be judged from again.
package struct GateResult: Codable, Sendable {
  package static let schema = "headroom.gate/1"
  package private(set) var schema = Self.schema
  package let suite: RunHeader.SuiteText
  package let machine: Machine
  package let conditions: Conditions
  package let base: Build
  package let head: Build
  /// By how much relinking alone moves times: no tolerance lies below it.
  package let relinkFloor: Reading<Double>
  package let rule: GateRule
  /// The coin's.
  package let seed: UInt64
  package private(set) var verdict: SuiteVerdict
  package internal(set) var cells: [Cell]
  package internal(set) var null: [PairedBlock]
  /// Acceptances that are no longer any use: they fail the suite.
  package private(set) var staleAcceptances: [String] = []
  /// Whether the gate that wrote it did not get to its end.
  package internal(set) var isUnfinished = false
  /// Follows from the null case's blocks, so it is not stored.
  private var isContaminated = false

  private enum CodingKeys: String, CodingKey {
    case schema, suite, machine, conditions, base, head, relinkFloor, rule, seed, verdict, cells
    case null, staleAcceptances
  }

  package struct Cell: Codable, Sendable {
    package let name: String
    /// Nil for a case that only one build has.
    package let tolerance: GateTolerance?
    package internal(set) var blocks: [PairedBlock]
    package internal(set) var findings: CaseFindings
    package fileprivate(set) var judged: JudgedCase

    package init(
      name: String, tolerance: GateTolerance, blocks: [PairedBlock], findings: CaseFindings
    ) {
      self.name = name
      self.tolerance = tolerance
      self.blocks = blocks
      self.findings = findings
      judged = .unjudged(name, .inconclusive, "it is not judged yet")
    }

    /// One that is not judged.
    package init(_ unjudged: JudgedCase) {
      name = unjudged.name
      tolerance = nil
      blocks = []
      findings = CaseFindings()
      judged = unjudged
    }
  }

  /// - Parameter judge: has taken the blocks of the cells that are judged, in their order.
  package init(
    suite: RunHeader.SuiteText, machine: Machine, conditions: Conditions, base: Build,
    head: Build, relinkFloor: Reading<Double>, seed: UInt64, cells: [Cell], null: [PairedBlock],
    judge: SuiteJudge
  ) {
    self.suite = suite
    self.machine = machine
    self.conditions = conditions
    self.base = base
    self.head = head
    self.relinkFloor = relinkFloor
    self.rule = judge.rule
    self.seed = seed
    self.cells = cells
    self.null = null
    verdict = .nothingJudged
    settle(judge.answer)
  }

  /// The same blocks, judged again.
  package func replayed() -> GateResult {
    let timings = PairedTimings(
      cells: cells.compactMap { cell in
        cell.tolerance.map {
          .init(
            name: cell.name, tolerance: $0, blocks: cell.blocks, failure: cell.findings.failure)
        }
      }, null: null.isEmpty ? nil : null)
    var copy = self
    copy.staleAcceptances = []
    copy.settle(timings.judged(by: rule).answer)
    return copy
  }

  private mutating func settle(_ answer: GateAnswer) {
    var timed = answer.cells[...]
    for index in cells.indices where cells[index].tolerance != nil {
      guard let timing = timed.popFirst() else { break }
      cells[index].judged = cells[index].findings.judged(timing)
    }
    isContaminated = answer.null == .contaminated
    verdict = SuiteVerdict(cases: cells.map(\.judged), isContaminated: isContaminated)
  }

  /// Takes what was accepted beforehand for what it is.
  package mutating func accept(_ acceptances: Acceptances, today: String) {
    let settled = acceptances.settle(cells, suite: suite.name, today: today)
    for index in cells.indices { cells[index].judged = settled.cells[index] }
    staleAcceptances = settled.stale
    verdict = SuiteVerdict(
      cases: cells.map(\.judged), isContaminated: isContaminated,
      hasStaleAcceptances: !settled.stale.isEmpty)
  }

  package var answer: GateAnswer {
    GateAnswer(
      verdict: verdict, cells: cells.map(\.judged),
      null: null.isEmpty ? .absent : isContaminated ? .contaminated : .still,
      relinkFloor: relinkFloor, staleAcceptances: staleAcceptances)
  }
}

extension GateResult {
  /// What cannot be in a stored result, in words; its blocks are looked over where they are read.
  var defect: String? {
    if let floor = relinkFloor.value, !(floor >= 0 && floor.isFinite) {
      return "relinking moves times by \(floor)"
    }
    for cell in cells {
      if cell.tolerance == nil, cell.judged.verdict.isJudged || !cell.blocks.isEmpty {
        return "'\(cell.name)' has blocks and a verdict, and no tolerance that they were judged by"
      }
      let change = cell.judged.change
      let figures = [
        change?.median, change?.low, change?.high, change?.hodgesLehmann, cell.judged.detectable,
      ].compactMap(\.self)
      if let bad = figures.first(where: { !($0 > -1 && $0 < 1e25) }) {
        return "'\(cell.name)' changed by \(bad)"
      }
    }
    return nil
  }
}
