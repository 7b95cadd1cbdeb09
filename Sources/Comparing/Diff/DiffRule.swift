import Statistics

/// When two stored results may be called different, or the same.
package struct DiffRule: Hashable, Codable, Sendable {
  /// The maximum probability that any case of all is called slower or faster without being so; also what an
  /// interval misses.
  package var risk = 0.05
  /// Changes that stay within this are the same, however surely they are there: 0.02 is 2 %.
  package var tolerated = GateTolerance.standard.tolerated
  /// Nothing is called the same that may have changed by more.
  package var detected = GateTolerance.standard.detected

  package init() {}

  /// The fewest processes a side with which one of so many cases can be told to differ.
  package func fewestProcesses(cases: Int) -> Int {
    var count = 1
    while RankShift.leastRisk(count, count) * Double(cases) > risk { count += 1 }
    return count
  }
}
