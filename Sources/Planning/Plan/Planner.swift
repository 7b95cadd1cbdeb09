import Kernels
import OrderedCollections
import Quantities
package import Records
import Workloads

/// Turns a suite into all of its cases and all of its skips, with reasons.
package struct Planner {
  package let catalog: WorkloadCatalog
  /// The processors that the cases may use.
  package let cores: Int
  /// How much memory there is, where cases are to be held against it.
  package let room: MemoryRoom?

  package init(
    catalog: WorkloadCatalog = .standard, cores: Int = ThreadPool.allowedCPUs.count,
    room: MemoryRoom? = nil
  ) {
    self.catalog = catalog
    self.cores = cores
    self.room = room
  }

  /// - Parameter options: what the command line puts over the suite's own options.
  package func plan(_ suite: Suite, options: MeasureOptions = MeasureOptions()) throws -> Plan {
    let grids = try suite.entries.map { try EntryGrid($0, in: catalog) }
    guard !grids.isEmpty else { throw SuiteFault.emptySweep(suite.place) }
    try ClaimReader.check(suite.claims, of: grids.map(\.workload))
    var total = 0
    for grid in grids {
      total = total.addingOrMax(grid.count)
      // Before anything is expanded: a mistyped range would fill the memory.
      guard total <= EntryGrid.limit else {
        throw SuiteFault.tooManyCases(total, limit: EntryGrid.limit, grid.longest)
      }
    }
    let measure = options.falling(backOn: suite.measure).settings
    var draft = PlanDraft(
      cores: cores, memoryLimit: measure.memoryLimit, room: room, count: total)
    for grid in grids { try draft.add(grid) }
    return Plan(
      suite: suite, measure: measure, cases: draft.groupedCases, skips: draft.skips,
      notes: draft.notes)
  }
}

/// A plan while its entries are added one by one.
struct PlanDraft {
  let cores: Int
  let memoryLimit: Bytes?
  let room: MemoryRoom?
  private(set) var skips: [Skip] = []
  private(set) var notes: [PlanNote] = []
  private var cases: [PlannedCase] = []
  /// What the cases of one interleaved group share; nil for a case that stands alone.
  private var groupKeys: [String?] = []
  private var entries = 0
  private var seen: [String: Place] = [:]
  private var resolved: [ResolvedKey: Int] = [:]

  /// Cases that agree in it are the same work.
  private struct ResolvedKey: Hashable {
    let workload: String
    let problem: AnyHashable
    let variant: String
    let threads: Int
    let cache: CacheState
    let memoryLimit: Bytes?
  }

  /// - Parameter count: how many cases there may be.
  init(cores: Int, memoryLimit: Bytes?, room: MemoryRoom?, count: Int) {
    self.cores = cores
    self.room = room
    self.memoryLimit = memoryLimit
    cases.reserveCapacity(count)
    groupKeys.reserveCapacity(count)
    seen.reserveCapacity(count)
    resolved.reserveCapacity(count)
  }

  /// The cases, each with the number of its group where that holds more than one.
  var groupedCases: [PlannedCase] {
    if groupKeys.allSatisfy({ $0 == nil }) { return cases }
    let sizes = Dictionary(grouping: groupKeys.compactMap(\.self)) { $0 }.mapValues(\.count)
    var numbers: [String: Int] = [:]
    return zip(cases, groupKeys).map { planned, key in
      guard let key, sizes[key, default: 0] > 1 else { return planned }
      let number = numbers[key] ?? numbers.count
      numbers[key] = number
      return planned.grouped(number)
    }
  }

  mutating func add(_ grid: EntryGrid) throws {
    let rules = try grid.entry.skip.map { rule in
      try rule.conditions.map { try grid.condition($0) }
    }
    var used = Set<Int>()
    entries += 1
    try grid.forEach { row in
      let asked = Case(workload: grid.workload.name, axes: row.mapValues(\.value))
      let place = grid.entry.place
      if let first = seen.updateValue(place, forKey: asked.id) {
        throw SuiteFault.duplicateCase(asked.id, first: first, place)
      }
      let matching = rules.firstIndex { rule in
        rule.allSatisfy { $0.values.contains(asked.axes[$0.axis]?.text ?? "") }
      }
      if let matching {
        used.insert(matching)
        skips.append(Skip(case: asked, reason: grid.entry.skip[matching].because))
      } else {
        try add(asked, row, grid)
      }
    }
    for (index, rule) in grid.entry.skip.enumerated() where !used.contains(index) {
      notes.append(.unusedSkip(because: rule.because, rule.place))
    }
  }

  private mutating func add(
    _ asked: Case, _ row: OrderedDictionary<String, Located<AxisValue>>, _ grid: EntryGrid
  ) throws {
    let resolution = try CaseResolver(asked: asked, row: row, grid: grid, cores: cores)
      .resolve(memoryLimit: memoryLimit, room: room)
    switch resolution {
    case .skip(let reason):
      skips.append(Skip(case: asked, reason: reason))
    case .run(let planned):
      let key = ResolvedKey(
        workload: asked.workload, problem: planned.problem.key, variant: planned.variant,
        threads: planned.threads, cache: planned.cache, memoryLimit: planned.memoryLimit)
      if let kept = resolved[key] {
        cases[kept] = cases[kept].merging(asked.id)
        notes.append(.merged(id: asked.id, into: cases[kept].case.id))
      } else {
        resolved[key] = cases.count
        cases.append(planned)
        groupKeys.append(groupKey(asked, grid))
      }
    }
  }

  private func groupKey(_ asked: Case, _ grid: EntryGrid) -> String? {
    guard !grid.interleave.isEmpty else { return nil }
    var axes = asked.axes
    for axis in grid.interleave { axes[axis] = nil }
    return "\(entries):\(Case(workload: asked.workload, axes: axes).id)"
  }
}
