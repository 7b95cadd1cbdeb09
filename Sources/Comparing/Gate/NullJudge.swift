import Statistics

/// The case that compares base with itself: if it looks different, the machine is to blame.
package struct NullJudge: Sendable {
  package private(set) var differences: [Double] = []
  private let rule: GateRule
  private let tolerance: GateTolerance

  package init(tolerance: GateTolerance, rule: GateRule) {
    self.tolerance = tolerance
    self.rule = rule
  }

  package mutating func take(_ difference: Double) {
    guard !isContaminated else { return }
    differences.append(difference)
  }

  /// Two-sided, half of the alarm on either side.
  package var isContaminated: Bool {
    let slower = differences.count { $0 > tolerance.low }
    let faster = differences.count { $0 < -tolerance.low }
    let evidence = SignEProcess.evidence(successes: max(slower, faster), of: differences.count)
    return evidence >= 2 / rule.falseAlarm
  }
}
