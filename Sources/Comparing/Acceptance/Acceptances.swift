import Glibc
import Statistics

/// Regressions that somebody took upon themselves, for a time: `headroom-accept.json`.
package struct Acceptances: Codable, Sendable {
  package static let schema = "headroom.accept/1"
  package private(set) var schema = Self.schema
  package private(set) var accepted: [Acceptance] = []

  package init() {}

  /// An entry takes the place of the one that it equals in all but its terms.
  package mutating func add(_ new: Acceptance) {
    accepted.removeAll {
      $0.suite == new.suite && $0.case == new.case && $0.metric == new.metric
    }
    accepted.append(new)
  }

  /// What the verdicts become, and the entries that are of no use any more, in words.
  func settle(_ cells: [GateResult.Cell], suite: String, today: String) -> (
    cells: [JudgedCase], stale: [String]
  ) {
    let entries = accepted.filter { $0.suite == suite }
    var used = Set<Int>()
    var exceeded = Set<Int>()
    let settled = cells.map { given in
      let cell = given.judged
      var left = cell.regressed
      var reasons: [String] = []
      for (index, entry) in entries.enumerated() where entry.covers(cell) {
        // Where it cannot be told whether there is anything to accept, the entry may stay.
        if cell.verdict == .inconclusive || cell.verdict == .failed { used.insert(index) }
        guard cell.verdict == .regressed, left.contains(entry.metric) else { continue }
        guard entry.suffices(for: given) else {
          exceeded.insert(index)
          continue
        }
        used.insert(index)
        guard entry.until >= today else { continue }
        left.removeAll { $0 == entry.metric }
        reasons.append("\(entry.metric) accepted until \(entry.until): \(entry.because)")
      }
      guard !reasons.isEmpty else { return cell }
      let words = ([cell.reason].compactMap(\.self) + reasons).joined(separator: "; ")
      return cell.with(left.isEmpty ? .accepted : .regressed, words, left)
    }
    let stale = entries.enumerated().compactMap { index, entry -> String? in
      if entry.until < today { return "\(entry.words) ran out on \(entry.until): remove it" }
      if used.contains(index) { return nil }
      return exceeded.contains(index)
        ? "\(entry.words) is of \(percent(entry.atMost)) and no more: accept it anew, or remove it"
        : "\(entry.words) accepts nothing: remove it"
    }
    return (settled, stale)
  }
}

extension GateResult.Cell {
  /// Of a count, as a share of base's; other bits in the results are none.
  func growth(of metric: String) -> Double {
    findings.exact?.changes.first { $0.metric == metric }?.growth ?? 0
  }
}

/// One entry: which cases may be slower, by how much, why and how long.
package struct Acceptance: Codable, Hashable, Sendable {
  package let suite: String
  /// A shell's pattern for the names of cases.
  package let `case`: String
  /// `time`, or a count's name.
  package let metric: String
  /// The maximum that is accepted: 0.05 is 5 %.
  package let atMost: Double
  package let because: String
  package let who: String
  /// The last day on which it holds, as 2027-01-31.
  package let until: String

  package init(
    suite: String, case pattern: String, metric: String, atMost: Double, because: String,
    who: String, until: String
  ) {
    self.suite = suite
    self.case = pattern
    self.metric = metric
    self.atMost = atMost
    self.because = because
    self.who = who
    self.until = until
  }

  func covers(_ cell: JudgedCase) -> Bool { Self.matches(cell.name, self.case) }

  /// - Source: POSIX, "Pattern Matching Notation"; a star passes over slashes, too.
  package static func matches(_ name: String, _ pattern: String) -> Bool {
    fnmatch(pattern, name, 0) == 0
  }

  /// Whether the case grew by no more than is accepted. Times by their median: it strays, and what
  /// is accepted was read off another run's upper end.
  func suffices(for cell: GateResult.Cell) -> Bool {
    guard metric == JudgedCase.time else { return cell.growth(of: metric) <= atMost }
    return (cell.judged.change?.median ?? .infinity) <= atMost
  }

  var words: String { "the acceptance of \(metric) of '\(self.case)'" }
}
