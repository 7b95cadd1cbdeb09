/// Why a gate's exit code is not 0, where no case of it says so by itself.
package struct GateComplaint: Hashable, Sendable {
  package let title: String
  package let words: String
}

extension GateAnswer {
  /// Reports for other programs add it, so that none of them is green where the exit code is not.
  ///
  /// - Parameter allowsInconclusive: whether what could not be told leaves with 0.
  package func complaint(allowsInconclusive: Bool) -> GateComplaint? {
    let words: String
    switch verdict {
    case .pass: return nil
    case .regressed where cells.contains { $0.verdict == .regressed }: return nil
    case .failed where cells.contains { $0.verdict == .failed }: return nil
    case .inconclusive where allowsInconclusive, .contaminated where allowsInconclusive: return nil
    case .regressed, .failed: words = "see the table"
    case .staleAcceptance: words = staleAcceptances.joined(separator: "; ")
    case .inconclusive:
      let open = cells.filter { $0.verdict == .inconclusive }.count
      words = "of \(open) of \(cells.count) cases it cannot be told whether they slowed"
    case .contaminated: words = "base against itself looked different: nothing is said of head"
    case .notComparable: words = "the two cannot be compared"
    case .nothingJudged: words = "no case was judged"
    }
    return GateComplaint(title: "headroom gate: \(verdict.rawValue)", words: words)
  }
}
