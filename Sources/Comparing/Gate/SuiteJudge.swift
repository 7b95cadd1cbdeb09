/// A suite before the gate: says which cases need another block, and judges them together.
///
/// No confirmation is decided before every case's screen has ended: only then is it known how many
/// share the suite's false alarm.
package struct SuiteJudge: Sendable {
  package private(set) var cases: [CaseJudge]
  package private(set) var null: NullJudge?
  package let rule: GateRule
  /// The cases that are confirmed as suspects, and as promising; nil while the screen goes on.
  package private(set) var confirmed: (suspects: Int, promising: Int)?

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
    if let confirmed {
      let rivals =
        cases[index].state == .promising ? confirmed.promising : confirmed.suspects
      cases[index].confirm(difference, rivals: rivals)
      if cases[index].fresh.count >= rule.confirmMost { cases[index].close() }
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

  /// What a suspect's fresh blocks must show.
  var failingEvidence: Double { Double(max(1, confirmed?.suspects ?? 1)) / rule.falseAlarm }

  package mutating func takeNull(_ difference: Double) { null?.take(difference) }

  private mutating func advance() {
    guard confirmed == nil, !cases.contains(where: { $0.state == .screening }) else { return }
    confirmed = (
      cases.count { $0.state == .suspect }, cases.count { $0.state == .promising }
    )
  }
}
