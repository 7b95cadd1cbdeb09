package import Quantities

/// A run file's content: the header line and the records that were finished.
package struct Run: Sendable {
  package var header: RunHeader
  package var records: [Record]
  /// Whether the last line was cut short by a kill, and left out.
  package var tornLine: Bool
  /// What a reader should know of the file, a sentence each.
  package var notes: [String] = []

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
  /// How cases were measured: a resumed run goes on in the same way. Runs from before have none.
  package var measure: Measure?
  /// `HEADROOM_*` as set when the run began.
  package var environment: [String: String]

  /// The suite as it was read.
  package struct SuiteText: Codable, Sendable {
    package var name: String
    package var about: String?
    package var text: String
    /// What the command line put over the file, in its own words.
    package var overrides: [String]
    /// What others published, where the suite says so. Runs from before have none.
    package var claims: [PublishedClaim]?

    package init(
      name: String, about: String?, text: String, overrides: [String],
      claims: [PublishedClaim]? = nil
    ) {
      self.name = name
      self.about = about
      self.text = text
      self.overrides = overrides
      self.claims = claims
    }
  }

  /// The options of measuring that a run's records share.
  package struct Measure: Hashable, Codable, Sendable {
    /// The relative half-width at which a case is done.
    package var within: Double
    package var budget: Seconds
    package var memoryLimit: Bytes?
    package var cpus: [Int]

    package init(within: Double, budget: Seconds, memoryLimit: Bytes?, cpus: [Int]) {
      self.within = within
      self.budget = budget
      self.memoryLimit = memoryLimit
      self.cpus = cpus
    }

    /// What is not as in another, a few words each: `budget 5.00 s, not 50.0 ms`.
    package func differences(from other: Measure) -> [String] {
      func limit(_ bytes: Bytes?) -> String { bytes.map { "\($0.count) bytes" } ?? "none" }
      func list(_ cpus: [Int]) -> String { cpus.map(String.init).joined(separator: ",") }
      var words: [String] = []
      if within != other.within {
        words.append(
          "within \(significant(within * 100)) %, not \(significant(other.within * 100)) %")
      }
      if budget != other.budget { words.append("budget \(budget), not \(other.budget)") }
      if memoryLimit != other.memoryLimit {
        words.append("memory-limit \(limit(memoryLimit)), not \(limit(other.memoryLimit))")
      }
      if cpus != other.cpus { words.append("cpus \(list(cpus)), not \(list(other.cpus))") }
      return words
    }
  }

  package init(
    suite: SuiteText, machine: Machine, build: Build, conditions: Conditions, ceilings: Ceilings,
    seed: UInt64, planned: [String], processesPerCase: Int, shard: String?,
    notes: [String: String], measure: Measure? = nil, environment: [String: String]
  ) {
    self.measure = measure
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
