/// A suite before the gate: says which cases need another block, and judges them together.
///
/// No confirmation is decided before every case's screen has ended: only then is it known how many
/// share the suite's false alarm.
package struct SuiteJudge: Sendable {
  package private(set) var cases: [CaseJudge]
  package private(set) var null: NullJudge?
  package let rule: GateRule
  /// The cases that are confirmed, by why; nil while the screen goes on.
  private var confirmed: Confirmed?
  package var suspects: Int? { confirmed.map { $0.slower.count + $0.undecided.count } }

  /// Cases by index.
  private struct Confirmed {
    /// Looked slower.
    var slower: [Int] = []
    /// Looked neither slower nor still.
    var undecided: [Int] = []
    /// Passed, and looked faster.
    var promising: [Int] = []
  }

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

  /// No case has more blocks.
  package mutating func close() {
    while !open.isEmpty { open.forEach { close($0) } }
  }

  /// Whether a case's fresh blocks prove that it moved, all that are confirmed beside it considered.
  ///
  /// The mean of evidences is evidence against all of them being still, at any time. So a case is proven
  /// where each set of cases that it is in has a mean of 1 / α, and the hardest are those with the
  /// cases of least evidence: alone among M still ones it needs M / α, among slow ones 1 / α.
  ///
  /// Cases that looked slower are not held up by those that the screen merely left open: the two kinds
  /// are told apart by the screen, and fresh blocks know nothing of it, so that each has its part of α.
  ///
  /// - Error: over the suite, any case that is still is proven with a probability of at most α.
  /// - Source: Marcus, Peritz and Gabriel, "On closed testing procedures" (1976); Vovk and Wang,
  ///   "E-values: Calibration, combination and applications" (2021), for means.
  private func isProven(_ index: Int) -> Bool {
    guard let confirmed else { return false }
    func evidence(of kind: [Int], _ figure: (CaseJudge) -> Double) -> [Double] {
      kind.filter { $0 != index }.map { figure(cases[$0]) }
    }
    switch cases[index].state {
    case .suspect:
      let kind = cases[index].looksSlower ? confirmed.slower : confirmed.undecided
      return Self.isProven(
        cases[index].slowing, beside: evidence(of: kind, \.slowing),
        at: needed(looksSlower: cases[index].looksSlower, beside: confirmed))
    case .promising:
      return Self.isProven(
        cases[index].gain, beside: evidence(of: confirmed.promising, \.gain),
        at: 1 / rule.falseImprovement)
    default: return false
    }
  }

  /// 1 / α, of the part of the false alarm that a kind of suspects has.
  private func needed(looksSlower: Bool, beside confirmed: Confirmed) -> Double {
    if (looksSlower ? confirmed.undecided : confirmed.slower).isEmpty { return 1 / rule.falseAlarm }
    return 1 / (rule.falseAlarm * (looksSlower ? 1 - GateRule.openShare : GateRule.openShare))
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

  /// What the fresh blocks of a case that looked slower must show where all others that did are still.
  func failingEvidence(of index: Int) -> Double {
    guard let confirmed else { return 1 / rule.falseAlarm }
    let others = confirmed.slower.filter { $0 != index }
    return Double(others.count + 1) * needed(looksSlower: true, beside: confirmed)
  }

  package mutating func takeNull(_ difference: Double) { null?.take(difference) }

  private mutating func advance() {
    guard confirmed == nil, !cases.contains(where: { $0.state == .screening }) else { return }
    var kinds = Confirmed()
    for (index, judge) in cases.enumerated() {
      switch judge.state {
      case .suspect where judge.looksSlower: kinds.slower.append(index)
      case .suspect: kinds.undecided.append(index)
      case .promising: kinds.promising.append(index)
      default: break
      }
    }
    confirmed = kinds
  }
}
