/// A run file's content: the header line and the records that were finished.
package struct Run: Sendable {
  package var header: RunHeader
  package var records: [Record]
  /// Whether the last line was cut short by a kill, and left out.
  package var tornLine: Bool

  package init(header: RunHeader, records: [Record], tornLine: Bool = false) {
    self.header = header
    self.records = records
    self.tornLine = tornLine
  }
}

/// The first line of a run file: all that the records share.
package struct RunHeader: Codable, Sendable {
  package var schema: String
  package var suite: SuiteText
  package var machine: Machine
  package var build: Build
  package var conditions: Conditions
  package var ceilings: Ceilings
  /// The order of the cases follows from it.
  package var seed: UInt64
  /// The ids of the cases that the run set out to do, in the plan's order, and those it skips.
  package var planned: [String]
  package var processesPerCase: Int
  package var shard: String?
  package var notes: [String: String]
  /// `HEADROOM_*` as set when the run began.
  package var environment: [String: String]

  /// The suite as it was read.
  package struct SuiteText: Codable, Sendable {
    package var name: String
    package var about: String?
    package var text: String
    /// What the command line put over the file, in its own words.
    package var overrides: [String]

    package init(name: String, about: String?, text: String, overrides: [String]) {
      self.name = name
      self.about = about
      self.text = text
      self.overrides = overrides
    }
  }

  package init(
    suite: SuiteText, machine: Machine, build: Build, conditions: Conditions, ceilings: Ceilings,
    seed: UInt64, planned: [String], processesPerCase: Int, shard: String?,
    notes: [String: String], environment: [String: String]
  ) {
    schema = Schema.run
    self.suite = suite
    self.machine = machine
    self.build = build
    self.conditions = conditions
    self.ceilings = ceilings
    self.seed = seed
    self.planned = planned
    self.processesPerCase = processesPerCase
    self.shard = shard
    self.notes = notes
    self.environment = environment
  }
}
