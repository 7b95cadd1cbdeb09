package import Quantities
package import Records
import Statistics
package import Workloads

/// All that a sweep will run and all that it will not, with reasons, before the first child starts.
package struct Plan: Sendable {
  package let suite: Suite
  package let measure: MeasureSettings
  /// As written: entries in their order, the last axis fastest.
  package let cases: [PlannedCase]
  package let skips: [Skip]
  package let notes: [PlanNote]

  /// All ids in plan order, skips behind the cases.
  package var ids: [String] { cases.map(\.case.id) + skips.map(\.case.id) }
}

/// A case with everything about it resolved.
package struct PlannedCase: Sendable {
  package let `case`: Case
  package let problem: any BoundProblem
  /// The variant that will run; `best` is resolved here.
  package let variant: String
  package let kind: VariantKind
  package let threads: Int
  package let cache: CacheState
  package let memoryLimit: Bytes?
  package let work: Work
  package let predicted: MemoryPlan
  /// The budget that it needs: unused ends of an arena are counted, too.
  package let needed: Bytes
  /// Why it is predicted not to fit, where it is.
  package let misfit: Misfit?
  package let gate: GateOptions
  /// Axes along which memory never falls.
  package let monotone: [String]
  /// The ids of cases that resolved to the same work and will not run again.
  package fileprivate(set) var merged: [String]
  /// Cases of one group are sampled in turns; nil where a case is alone.
  package fileprivate(set) var group: Int?

  package var isCompetitor: Bool { kind == .competitor }

  /// Whether a filter's pattern is found in its id or in one that was merged into it.
  fileprivate func matches(_ regex: Regex<AnyRegexOutput>) -> Bool {
    ([self.case.id] + merged).contains { $0.firstMatch(of: regex) != nil }
  }
}

extension PlannedCase {
  func merging(_ id: String) -> PlannedCase {
    var copy = self
    copy.merged.append(id)
    return copy
  }

  func grouped(_ group: Int) -> PlannedCase {
    var copy = self
    copy.group = group
    return copy
  }
}

/// A case that will not run, and why.
package struct Skip: Hashable, Sendable {
  package let `case`: Case
  package let reason: String
}

/// What a plan's reader should know, though nothing is wrong.
package enum PlanNote: Hashable, Sendable {
  case merged(id: String, into: String)
  case unusedSkip(because: String, Place)
}

extension PlanNote: CustomStringConvertible {
  package var description: String {
    switch self {
    case .merged(let id, let kept): "\(id) is the same work as \(kept) here, and is not run again"
    case .unusedSkip(let because, let place): "\(place): no case is skipped '\(because)'"
    }
  }
}

extension Plan {
  /// What runs together, in plan order: a case alone, or the cases of an interleaved group.
  package var units: [[PlannedCase]] {
    var units: [[PlannedCase]] = []
    var indices: [Int: Int] = [:]
    for planned in cases {
      if let group = planned.group, let index = indices[group] {
        units[index].append(planned)
      } else {
        if let group = planned.group { indices[group] = units.count }
        units.append([planned])
      }
    }
    return units
  }

  /// The run order: units shuffled, or a machine's drift would pass for an axis.
  package func shuffled(seed: UInt64) -> [[PlannedCase]] {
    var generator = SplitMix64(seed: seed)
    return generator.shuffled(units)
  }

  /// The cases and skips in whose id the pattern is found.
  package func filtered(by pattern: String) throws -> Plan {
    let regex: Regex<AnyRegexOutput>
    do {
      regex = try Regex(pattern)
    } catch {
      throw SuiteFault.badFilter(pattern, why: "\(error)")
    }
    let cases = cases.filter { $0.matches(regex) }
    let skips = skips.filter { $0.case.id.firstMatch(of: regex) != nil }
    guard !cases.isEmpty || !skips.isEmpty else {
      throw SuiteFault.filterMatchesNothing(pattern, of: ids.count)
    }
    return with(cases: cases, skips: skips)
  }

  /// Every `count`-th unit and skip by position: the shards of a plan make up the whole of it.
  package func shard(_ shard: Shard) -> Plan {
    with(cases: shard.part(of: units).flatMap(\.self), skips: shard.part(of: skips))
  }

  func with(cases: [PlannedCase], skips: [Skip]) -> Plan {
    Plan(suite: suite, measure: measure, cases: cases, skips: skips, notes: notes)
  }
}

/// One of several machines' shares of a plan: `2/3`.
package struct Shard: Hashable, Sendable {
  package let index: Int
  package let count: Int

  package init(_ text: String) throws {
    guard let match = text.wholeMatch(of: /(\d+)\/(\d+)/), let index = Int(match.1),
      let count = Int(match.2), (1...max(1, count)).contains(index), count >= 1
    else { throw SuiteFault.badShard(text) }
    self.index = index
    self.count = count
  }

  fileprivate func part<Element>(of elements: [Element]) -> [Element] {
    elements.enumerated().filter { $0.offset % count == index - 1 }.map(\.element)
  }
}

extension Shard: CustomStringConvertible {
  package var description: String { "\(index)/\(count)" }
}
