import Workloads

extension Suite {
  /// The suite with axes replaced, each given as `name=values`, in every entry that has the axis.
  package func replacing(_ options: [String], in catalog: WorkloadCatalog) throws -> Suite {
    let assignments = try options.map(AxisAssignment.init(option:))
    var given: Set<String> = []
    for assignment in assignments where !given.insert(assignment.name.value).inserted {
      throw SuiteFault.axisTwice(assignment.name.value, assignment.name.place)
    }
    var entries = entries
    for assignment in assignments {
      entries = try replace(assignment, in: entries, catalog)
    }
    return Suite(
      name: name, about: about, measure: measure, gate: gate, entries: entries,
      claims: claims, text: text,
      overrides: overrides + options.map { "-a \($0)" }, place: place)
  }

  private func replace(
    _ assignment: AxisAssignment, in entries: [SuiteEntry], _ catalog: WorkloadCatalog
  ) throws -> [SuiteEntry] {
    let workloads = try entries.map { try catalog.find($0.workload) }
    let found = workloads.map { try? AxisAlias.meaning(assignment.name, of: $0).axes }
    guard found.contains(where: { $0 != nil }) else {
      let names = Set(workloads.map(\.name)).sorted().joined(separator: ", ")
      throw SuiteFault.unknownAxis(
        assignment.name.value, workload: names, known: workloads.flatMap(AxisAlias.names),
        assignment.name.place)
    }
    return try zip(entries, zip(workloads, found)).map { entry, target in
      guard let axes = target.1 else { return entry }
      let kept = try entry.axes.filter {
        let others = try AxisAlias.meaning($0.name, of: target.0).axes
        return !others.contains { other in axes.contains { $0.name == other.name } }
      }
      return SuiteEntry(
        workload: entry.workload, axes: kept + [assignment], skip: entry.skip,
        interleave: entry.interleave, monotone: entry.monotone, gate: entry.gate, place: entry.place
      )
    }
  }
}
