import Quantities
import Statistics

/// One case before the gate: takes differences of logarithms, a block at a time, and decides.
///
/// First a *screen* of all cases, then a *confirmation* of those that look slower, or open, by fresh
/// blocks alone: what made a case suspect must not count against it again.
///
/// - Error: over a suite, a case that did not slow by more than is tolerated fails with a probability
///   of at most `falseAlarm`; a case that slowed by what must be detected passes with at most
///   `missed`. Both hold for any noise that a toss of the coin mirrors, looked at after every block.
package struct CaseJudge: Sendable {
  package let name: String
  package let tolerance: GateTolerance
  package private(set) var screen: [Double] = []
  package private(set) var fresh: [Double] = []
  package private(set) var state = State.screening
  /// Why the case is not judged further, where that is not the rule's word.
  package private(set) var reason: String?
  private let rule: GateRule

  package enum State: String, Hashable, Sendable {
    case screening
    /// To be confirmed: looked slower, or the screen could not tell.
    case suspect
    /// Passed already; may have become faster.
    case promising
    case pass, regressed, improved, inconclusive

    var isOpen: Bool { self == .screening || self == .suspect || self == .promising }
  }

  package init(name: String, tolerance: GateTolerance, rule: GateRule) {
    self.name = name
    self.tolerance = tolerance
    self.rule = rule
  }

  package var differences: [Double] { screen + fresh }

  mutating func screen(_ difference: Double) {
    screen.append(difference)
    guard screen.count >= rule.screenLeast else { return }
    if passes {
      let faster = SignEProcess.evidence(
        successes: screen.count { $0 < -tolerance.low }, of: screen.count)
      state = faster >= rule.suspicion ? .promising : .pass
    } else if looksSlower || screen.count >= rule.screenMost {
      state = .suspect
    }
  }

  /// Whether the screen, as far as it went, is a reason to suspect a slow-down.
  var looksSlower: Bool { evidence(ofSlowingIn: screen) >= rule.suspicion }

  /// A fresh block. A pass is the case's own; that it slowed is proven beside the others, by the suite.
  mutating func confirm(_ difference: Double) {
    fresh.append(difference)
    if state == .suspect, passes { state = .pass }
  }

  /// What fresh blocks say for a slow-down, and for a gain.
  var slowing: Double { evidence(ofSlowingIn: fresh) }
  var gain: Double { evidence(ofGainIn: fresh) }

  /// The suite holds it for proven.
  mutating func prove() {
    switch state {
    case .suspect: state = .regressed
    case .promising: state = .improved
    default: break
    }
  }

  /// There will be no more blocks. A screen that has seen enough leaves the case a suspect.
  mutating func close(because given: String? = nil) {
    switch state {
    case .screening where given == nil && screen.count >= rule.screenLeast: state = .suspect
    case .screening:
      reason =
        given ?? "\(counted(screen.count, "block")), and the screen needs \(rule.screenLeast)"
      state = .inconclusive
    case .suspect:
      let blocks =
        fresh.isEmpty ? counted(screen.count, "block") : counted(fresh.count, "fresh block")
      reason =
        given
        ?? "\(blocks) cannot show a slow-down above "
        + "\(percent(tolerance.tolerated)), nor that there is none of \(percent(tolerance.detected))"
      state = .inconclusive
    case .promising: state = .pass
    default: break
    }
  }

  private var passes: Bool {
    let all = differences
    let evidence = SignEProcess.evidence(
      successes: all.count { $0 < tolerance.high }, of: all.count)
    return evidence >= 1 / rule.missed
  }

  private func evidence(ofSlowingIn differences: [Double]) -> Double {
    SignEProcess.evidence(
      successes: differences.count { $0 > tolerance.low }, of: differences.count)
  }

  private func evidence(ofGainIn differences: [Double]) -> Double {
    SignEProcess.evidence(
      successes: differences.count { $0 < -tolerance.low }, of: differences.count)
  }
}
