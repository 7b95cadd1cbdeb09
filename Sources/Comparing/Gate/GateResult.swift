package import Records

/// A gate's run as it is stored: verdicts, and the raw blocks that they can be judged from again.
///
/// `PairedTimings` reads the same file.
package struct GateResult: Codable, Sendable {
  package static let schema = "headroom.gate/1"
  package var schema = Self.schema
  package let suite: RunHeader.SuiteText
  package let machine: Machine
  package let conditions: Conditions
  package let base: Build
  package let head: Build
  package let rule: GateRule
  /// The coin's.
  package let seed: UInt64
  package var verdict: SuiteVerdict
  package var cells: [Cell]
  package var null: [PairedBlock]

  package struct Cell: Codable, Sendable {
    package let name: String
    package let tolerance: GateTolerance
    package var judged: JudgedCase
    package var blocks: [PairedBlock]
    package var exact: ExactComparison?

    package init(
      name: String, tolerance: GateTolerance, judged: JudgedCase, blocks: [PairedBlock],
      exact: ExactComparison?
    ) {
      self.name = name
      self.tolerance = tolerance
      self.judged = judged
      self.blocks = blocks
      self.exact = exact
    }
  }

  package init(
    suite: RunHeader.SuiteText, machine: Machine, conditions: Conditions, base: Build,
    head: Build, rule: GateRule, seed: UInt64, verdict: SuiteVerdict, cells: [Cell],
    null: [PairedBlock]
  ) {
    self.suite = suite
    self.machine = machine
    self.conditions = conditions
    self.base = base
    self.head = head
    self.rule = rule
    self.seed = seed
    self.verdict = verdict
    self.cells = cells
    self.null = null
  }
}
