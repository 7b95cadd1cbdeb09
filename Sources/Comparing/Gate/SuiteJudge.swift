/// A suite before the gate: says which cases need another block, and judges them together.
///
/// No confirmation is decided before every case's screen has ended: only then is it known how many
/// share the suite's false alarm.
package struct SuiteJudge: Sendable {
  package private(set) var cases: [CaseJudge]
  package private(set) var null: NullJudge?
  package let rule: GateRule
  /// The cases, by index, that are confirmed as suspects, and as promising; nil while the screen goes
  /// on.
  private var confirmed: (suspects: [Int], promising: [Int])?
  package var suspects: Int? { confirmed?.suspects.count }

  package init(
    cases: [(name: String, tolerance: GateTolerance)], hasNull: Bool, rule: GateRule = .standard
  ) {
    self.cases = cases.map { CaseJudge(name: $0.name, tolerance: $0.tolerance, rule: rule) }
    null = hasNull ? NullJudge(tolerance: .standard, rule: rule) : nil
    self.rule = rule
    advance()
  }

  package enum Stage: String, Codable, Hashable, Sendable {
    case screen, confirm
  }

  package var stage: Stage { confirmed == nil ? .screen : .confirm }

  /// The cases, by index, that take part in the next round; none when all is decided.
  package var open: [Int] {
    cases.indices.filter { index in
      confirmed == nil ? cases[index].state == .screening : cases[index].state.isOpen
    }
  }

  /// A case's next block.
  package mutating func take(_ difference: Double, for index: Int) {
    if confirmed != nil {
      cases[index].confirm(difference)
      // What one gains counts for all that are confirmed beside it.
      for other in open where isProven(other) { cases[other].prove() }
      if cases[index].fresh.count >= rule.confirmMost { close(index) }
    } else {
      cases[index].screen(difference)
      advance()
    }
  }

  /// A case has no more blocks: the time is over, or the file.
  package mutating func close(_ index: Int, because reason: String? = nil) {
    cases[index].close(because: reason)
    advance()
  }

  /// Whether a case's fresh blocks prove that it moved, all that are confirmed beside it considered.
  ///
  /// The mean of evidences is evidence against all of them being still, at any time. So a case is proven
  /// where each set of cases that it is in has a mean of 1 / α, and the hardest are those with the
  /// cases of least evidence: alone among M still ones it needs M / α, among slow ones 1 / α.
  ///
  /// - Error: over the suite, any case that is still is proven with a probability of at most α.
  /// - Source: Marcus, Peritz and Gabriel, "On closed testing procedures" (1976); Vovk and Wang,
  ///   "E-values: Calibration, combination and applications" (2021), for means.
  private func isProven(_ index: Int) -> Bool {
    guard let confirmed else { return false }
    switch cases[index].state {
    case .suspect:
      return Self.isProven(
        cases[index].slowing,
        beside: confirmed.suspects.filter { $0 != index }.map { cases[$0].slowing },
        at: 1 / rule.falseAlarm)
    case .promising:
      return Self.isProven(
        cases[index].gain,
        beside: confirmed.promising.filter { $0 != index }.map { cases[$0].gain },
        at: 1 / rule.falseImprovement)
    default: return false
    }
  }

  private static func isProven(_ own: Double, beside others: [Double], at needed: Double) -> Bool {
    guard own >= needed else { return false }
    var sum = own
    for (place, other) in others.sorted().enumerated() {
      sum += other
      if sum < needed * Double(place + 2) { return false }
    }
    return true
  }

  /// What a suspect's fresh blocks must show where all that are confirmed beside it are still.
  var failingEvidence: Double {
    Double(max(1, confirmed?.suspects.count ?? 1)) / rule.falseAlarm
  }

  package mutating func takeNull(_ difference: Double) { null?.take(difference) }

  private mutating func advance() {
    guard confirmed == nil, !cases.contains(where: { $0.state == .screening }) else { return }
    confirmed = (
      cases.indices.filter { cases[$0].state == .suspect },
      cases.indices.filter { cases[$0].state == .promising }
    )
  }
}
