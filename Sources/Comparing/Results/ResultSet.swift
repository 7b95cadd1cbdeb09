package import OrderedCollections
package import Records

/// What a tool measured, as far as two of them can be compared: the one form that all files are
/// read into.
package struct ResultSet: Sendable {
  package var tool: Tool
  /// Where it was measured; nil where the file does not tell.
  package var machine: ResultMachine?
  /// The host's name, where a file has no other sign of the machine but counts of its parts.
  package var host: String?
  /// Of the program that was measured: shown, never refused.
  package var build: Build?
  /// In the file's order.
  package var results: OrderedDictionary<ResultKey, ResultCase>
  /// Sentences for the reader.
  package var notes: [String]

  package init(
    tool: Tool, machine: ResultMachine?, build: Build? = nil,
    results: OrderedDictionary<ResultKey, ResultCase> = [:], notes: [String] = []
  ) {
    self.tool = tool
    self.machine = machine
    self.build = build
    self.results = results
    self.notes = notes
  }

  /// By name, in the file's order.
  package var cases: OrderedDictionary<String, ResultCase> {
    named(by: CaseNames([Array(results.keys)]))
  }

  func named(by names: CaseNames) -> OrderedDictionary<String, ResultCase> {
    var cases: OrderedDictionary<String, ResultCase> = [:]
    for (key, result) in results { cases[names[key], default: ResultCase()].merge(result) }
    return cases
  }

  /// Who wrote a file.
  package enum Tool: String, Sendable {
    case headroom
    case googleBenchmark = "google-benchmark"
    case llamaBench = "llama-bench"
    case hyperfine
    case goBenchmark = "go test -bench"
  }

  /// Adds the same cases as other processes measured them.
  package mutating func merge(_ other: ResultSet) {
    for (key, result) in other.results { results[key, default: ResultCase()].merge(result) }
    notes += other.notes.filter { !notes.contains($0) }
  }
}

/// One case of a result: times, one for each process that measured it, and what was counted.
package struct ResultCase: Sendable {
  /// Seconds a call; a process' repetitions are one value, their median.
  package var seconds: [Double] = []
  /// Figures that are the same in every run of one build, each with the values seen.
  package var counted: OrderedDictionary<String, Set<Int>> = [:]
  /// Those of the figures that a tool gives as rounded means over calls.
  package var means: Set<String> = []
  /// Why it did not end well.
  package var failure: String?
  /// Why it was not run.
  package var skip: String?
  /// Why it has no times though it ran.
  package var absence: String?
  /// Which variant ran, where the case left that to the build.
  package var variant: String?

  package init() {}

  /// Whether all of its times can be compared with others.
  package var isTimed: Bool { failure == nil && skip == nil && absence == nil && !seconds.isEmpty }

  /// Takes another process' times; one that cannot be leaves the case without any.
  mutating func add(seconds value: Double, from tool: String) {
    if isTime(value) {
      seconds.append(value)
    } else {
      absence = absence ?? "\(tool) gives one of its times as \(value) s"
    }
  }

  mutating func merge(_ other: ResultCase) {
    seconds += other.seconds
    for (figure, values) in other.counted { counted[figure, default: []].formUnion(values) }
    means.formUnion(other.means)
    failure = failure ?? other.failure
    absence = absence ?? other.absence
    // What one process skipped and another measured was measured.
    skip = seconds.isEmpty ? skip ?? other.skip : nil
    variant = variant ?? other.variant
  }
}

/// Where a result was measured.
package enum ResultMachine: Hashable, Sendable {
  /// By this program's own fingerprint.
  case fingerprint(Machine)
  /// By what another tool says of it.
  case described([String: String])

  /// What differs, in words; nothing where the two are one.
  package func differences(from other: ResultMachine) -> [String] {
    switch (self, other) {
    case (.fingerprint(let machine), .fingerprint(let other)): machine.differences(from: other)
    case (.described(let facts), .described(let others)):
      Set(facts.keys).union(others.keys).sorted().compactMap { key in
        facts[key] == others[key]
          ? nil : "\(key) \(facts[key] ?? "not said"), not \(others[key] ?? "not said")"
      }
    default: ["one is described by another tool"]
    }
  }

  package var fingerprint: Machine? {
    if case .fingerprint(let machine) = self { machine } else { nil }
  }
}
