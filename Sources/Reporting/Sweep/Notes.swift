import OrderedCollections
import Quantities
import Records

/// What a reader must be told under a table, whatever the format: only what occurs in it.
enum Notes {
  /// - Parameter shown: the columns of the tables above.
  static func of(_ cases: [CaseReport], shown: [CaseFigure]) -> [String] {
    let timed = cases.filter { $0.outcome == .ok }
    guard !timed.isEmpty else { return [] }
    var notes: [String] = []
    for mark in Mark.allCases where timed.contains(where: { $0.marks.contains(mark) }) {
      notes.append("\(mark.rawValue) \(mark.meaning)")
    }
    let scopes = OrderedSet(
      timed.compactMap { $0.latency.value }.filter { $0.interval.value != nil }
        .map(\.scope.rawValue))
    if !scopes.isEmpty {
      let scope = scopes.sorted().joined(separator: " or ")
      notes.append("±95 %: half of the median's 95 % interval, \(scope)")
    }
    let hasTokens = timed.contains { $0.throughput.value?.tokensPerSecond.value != nil }
    notes.append(shown.compactMap { $0.legend(hasTokens: hasTokens) }.joined(separator: "; "))
    if shown.contains(.error), timed.contains(where: { ($0.check.value?.ofFormat ?? 0) > 0 }) {
      notes.append(CaseFigure.formatLegend)
    }
    if let resolved = resolved(timed) { notes.append(resolved) }
    return notes + libraries(timed)
  }

  /// `mkl: Intel oneAPI Math Kernel Library Version …`
  private static func libraries(_ cases: [CaseReport]) -> [String] {
    let lines = cases.compactMap { one in
      one.library.map { "\(one.variant.value ?? ""): \($0)" }
    }
    return OrderedSet(lines).sorted()
  }

  /// `24 cases: 20 ok, 3 skipped, 1 out-of-memory`
  static func summary(of cases: [CaseReport]) -> String {
    var counts: OrderedDictionary<String, Int> = [:]
    for one in cases { counts[one.outcome.name, default: 0] += 1 }
    let parts = counts.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    return counted(cases.count, "case")
      + (parts.isEmpty ? "" : ": \(parts)")
  }

  /// What `best` was, where any case asked for it.
  private static func resolved(_ cases: [CaseReport]) -> String? {
    let names = Set(
      cases.filter { $0.case.axes["variant"]?.text == "best" }.compactMap(\.variant.value))
    return names.isEmpty ? nil : "variant best ran as \(names.sorted().joined(separator: ", "))"
  }
}
