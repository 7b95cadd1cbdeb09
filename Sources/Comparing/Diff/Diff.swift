import OrderedCollections
package import Quantities
package import Records
import RealModule
import Statistics

/// Two stored results, compared: on time as far as other sessions can tell, on what is counted
/// exactly.
package struct Diff: Codable, Sendable {
  package private(set) var schema = "headroom.diff/1"
  package let verdict: SuiteVerdict
  package let base: Side
  package let head: Side
  /// How the machines differ: then no times are compared.
  package let machineDifferences: [String]
  /// What sessions of this machine differ by, where that was measured.
  package let sessionNoise: Reading<SessionNoise>
  package let rule: DiffRule
  /// The fewest processes a side with which a case of so many can be told to differ.
  package let fewestProcesses: Int
  package let cells: [DiffCell]
  /// Names that only head has, and that only base has.
  package let new: [String]
  package let vanished: [String]
  package let notes: [String]

  package struct Side: Codable, Sendable {
    package let tool: String
    package let build: Build?
  }

  /// - Parameter noise: this machine's; times of machines that differ are not compared anyway.
  package init(
    _ base: ResultSet, _ head: ResultSet, noise: Reading<SessionNoise>, rule: DiffRule = DiffRule()
  ) {
    self.base = Side(tool: base.tool.rawValue, build: base.build)
    self.head = Side(tool: head.tool.rawValue, build: head.build)
    self.rule = rule
    sessionNoise = noise
    machineDifferences =
      switch (base.machine, head.machine) {
      case (let one?, let other?): head.tool == base.tool ? other.differences(from: one) : []
      default: []
      }
    let names = CaseNames([Array(base.results.keys), Array(head.results.keys)])
    let (baseCases, headCases) = (base.named(by: names), head.named(by: names))
    // What failed in head fails, whether base has it or not.
    let fresh = headCases.filter { baseCases[$0.key] == nil }
    new = fresh.filter { $0.value.failure == nil }.map(\.key)
    vanished = baseCases.keys.filter { headCases[$0] == nil }

    let pairs =
      baseCases.compactMap { name, one in headCases[name].map { (name, one, $0) } }
      + fresh.filter { $0.value.failure != nil }.map { ($0.key, ResultCase(), $0.value) }
    let isComparable = machineDifferences.isEmpty
    let shifts = pairs.map { _, one, other in
      isComparable && one.isTimed && other.isTimed
        ? TimeShift(base: one.seconds, head: other.seconds, noise: noise.value) : nil
    }
    let timed = shifts.compactMap(\.self)
    var adjusted = Multiplicity.holm(timed.map(\.probability))[...]
    let fewest = rule.fewestProcesses(cases: timed.count)
    fewestProcesses = fewest
    let absence = noise.value == nil ? noise.reason ?? "" : nil
    cells = zip(pairs, shifts).map { pair, shift in
      DiffCell(
        pair.0, pair.1, pair.2, isComparable: isComparable,
        judged: shift.flatMap { shift in
          adjusted.popFirst().map {
            DiffJudge(
              shift: shift, probability: $0, cases: timed.count, fewest: fewest,
              withoutNoise: absence, rule: rule)
          }
        })
    }
    var notes = base.notes.map { "base: \($0)" } + head.notes.map { "head: \($0)" }
    if base.tool != head.tool {
      notes.append("base is of \(base.tool.rawValue), head of \(head.tool.rawValue)")
    }
    if base.machine == nil || head.machine == nil {
      notes.append("\(head.tool.rawValue) does not say on which machine it measured")
    }
    if let one = base.host, let other = head.host, one != other {
      notes.append("base was measured on the host \(one), head on \(other)")
    }
    for (setting, sides) in names.divided {
      let words = sides.map { "\($0[0]) in base, \($0[1]) in head" }
      notes.append(
        "\(setting) is \(words.joined(separator: "; ")): cases are compared where all settings agree"
      )
    }
    self.notes = notes
    verdict = SuiteVerdict(cells: cells, isComparable: isComparable)
  }
}

extension SuiteVerdict {
  /// Times of other sessions never fail a build: what is counted does.
  fileprivate init(cells: [DiffCell], isComparable: Bool) {
    let cells = cells.filter { $0.verdict != .skipped }
    self =
      if !isComparable { .notComparable } else if cells.isEmpty {
        .nothingJudged
      } else if cells.contains(where: { cell in cell.changes.contains(where: \.isWorse) }) {
        .regressed
      } else if cells.contains(where: { $0.verdict == .failed }) {
        .failed
      } else if cells.contains(where: { $0.verdict == .cannotTell }) { .inconclusive } else {
        .pass
      }
  }
}
