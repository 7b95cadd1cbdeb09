import OrderedCollections
package import Records

/// What run files say, as finished numbers: the one thing that every format is a function of.
package struct Report: Sendable {
  /// Of the first run: what its cases share.
  package let header: RunHeader
  /// In the plan's order, run after run.
  package let cases: [CaseReport]
  /// What others published of memory savers, by the suites' account.
  package let claims: [PublishedClaim]
  /// Sentences for the reader, about the runs as a whole.
  package let warnings: [String]

  package init(header: RunHeader, cases: [CaseReport], warnings: [String] = []) {
    self.header = header
    self.cases = cases
    claims = header.suite.claims ?? []
    self.warnings = warnings
  }

  package init(run: Run) { self.init(runs: [run]) }

  /// Cases of several files one after the other; what they share is told from the first.
  package init(runs: [Run]) {
    precondition(!runs.isEmpty, "a report is made of at least one run")
    header = runs[0].header
    cases = runs.flatMap(Self.cases)
    claims = OrderedSet(runs.flatMap { $0.header.suite.claims ?? [] }).elements
    warnings = Self.warnings(of: runs)
  }

  private static func cases(of run: Run) -> [CaseReport] {
    let rank = Dictionary(
      run.header.planned.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    let groups = Dictionary(grouping: run.records, by: \.case.id)
    return groups.map { id, records in
      (rank[id] ?? .max, id, records.sorted { $0.run < $1.run })
    }
    .sorted { ($0.0, $0.1) < ($1.0, $1.1) }
    .compactMap { _, _, own in
      let others = groups.values.filter { other in
        own[0].group != nil && other[0].group == own[0].group && other[0].case != own[0].case
      }
      return CaseReport(records: own)?.set(beside: Array(others), own: own)
    }
  }

  private static func warnings(of runs: [Run]) -> [String] {
    var warnings: [String] = []
    for (index, run) in runs.enumerated() {
      let place = runs.count > 1 ? "run \(index + 1) (\(run.header.suite.name)): " : ""
      warnings += run.header.conditions.warnings.map { place + $0 }
      if run.tornLine {
        warnings.append("\(place)the last line was cut short by a kill, and is left out")
      }
      let absent = absent(from: run)
      if absent > 0 {
        warnings.append(
          "\(place)\(absent) of \(run.header.planned.count) planned cases have no record; "
            + "headroom sweep --resume goes on with them")
      }
      if run.header.machine != runs[0].header.machine {
        warnings.append("\(place)another machine than run 1: times are not comparable")
      }
    }
    return warnings
  }

  private static func absent(from run: Run) -> Int {
    let seen = Set(run.records.flatMap { [$0.case.id] + $0.merged })
    return run.header.planned.count { !seen.contains($0) }
  }
}
