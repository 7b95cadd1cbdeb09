import Statistics
import Testing

@Suite struct StoppingRuleTests {
  private let constant = [Double](repeating: 2, count: 64)

  @Test(arguments: [
    (1, false), (6, false), (8, false), (15, false), (16, true), (17, false), (24, false),
    (32, true), (48, false), (63, false), (64, true),
  ])
  func `a criterion is tested only at powers of two from sixteen`(count: Int, looks: Bool) throws {
    let rule = StoppingRule(within: 0.01, budget: 10)
    let decision = try rule.decision(after: blocks(constant.prefix(count)), elapsed: 1)
    #expect(decision == (looks ? .stop(missed: nil) : .goOn))
  }

  /// By hand: of 16 values the interval is [x(4), x(13)], here 0.995 to 1.005, or 0.5 %.
  @Test(arguments: [(0.0051, StoppingRule.Decision.stop(missed: nil)), (0.0049, .goOn)])
  func `sixteen blocks stop when their interval is narrow enough`(
    within: Double, expected: StoppingRule.Decision
  ) throws {
    let swinging = try blocks((0..<16).map { $0.isMultiple(of: 2) ? 1.005 : 0.995 })
    let rule = StoppingRule(within: within, budget: 10)
    #expect(rule.decision(after: swinging, elapsed: 1) == expected)
  }

  /// By hand: of 7 values the interval is [97, 103], or 3 %.
  @Test(arguments: [(0.01, "within 1 %: reached 3 %"), (0.025, "within 2.5 %: reached 3 %")])
  func `a spent budget stops anywhere and names what was missed`(
    within: Double, missed: String
  ) throws {
    let seven = try blocks([98, 103, 99, 101, 100, 102, 97])
    let rule = StoppingRule(within: within, budget: 10)
    #expect(rule.decision(after: seven, elapsed: 9.9) == .goOn)
    #expect(rule.decision(after: seven, elapsed: 10) == .stop(missed: missed))
  }

  @Test func `a spent budget misses nothing that was reached`() throws {
    let seven = try blocks([98, 103, 99, 101, 100, 102, 97])
    let rule = StoppingRule(within: 0.05, budget: 10)
    #expect(rule.decision(after: seven, elapsed: 10) == .stop(missed: nil))
  }

  /// By hand: 1.000 to 1.0201 about 1.01005 is 0.995...%, which must not read as the 0.9 % asked.
  @Test func `what was reached is rounded up`() throws {
    let values = try blocks([1, 1.0201, 1, 1.0201, 1, 1.0201])
    let rule = StoppingRule(within: 0.009, budget: 0)
    #expect(
      rule.decision(after: values, elapsed: 0) == .stop(missed: "within 0.9 %: reached 1 %"))
  }

  @Test func `without a criterion only the budget stops`() throws {
    let rule = StoppingRule(budget: 10)
    #expect(try rule.decision(after: blocks(constant), elapsed: 9) == .goOn)
    #expect(try rule.decision(after: blocks([1]), elapsed: 10) == .stop(missed: nil))
  }

  @Test func `too few blocks for an interval miss the criterion`() throws {
    let rule = StoppingRule(within: 0.01, budget: 10)
    let missed = "within 1 %: a 95 % interval of the median needs 6 blocks, has 3"
    #expect(try rule.decision(after: blocks([1, 1, 1]), elapsed: 11) == .stop(missed: missed))
    #expect(
      rule.decision(after: [], elapsed: 11) == .stop(missed: "within 1 %: no block was measured"))
  }

  /// NumPy: the ramp's lag-1 correlation is 0.73 at 11 blocks, too few to be joined.
  @Test func `an interval of correlated blocks cannot meet a criterion`() throws {
    let rule = StoppingRule(within: 0.01, budget: 10)
    let ramp = try blocks((0..<16).map { 100 + Double($0) / 1000 })
    #expect(rule.decision(after: ramp, elapsed: 1) == .goOn)
    let decision = rule.decision(after: Array(ramp.prefix(11)), elapsed: 10)
    let missed =
      "within 1 %: reached 0.004 %, but blocks are correlated (lag 1: 0.73): "
      + "the interval is too narrow"
    #expect(decision == .stop(missed: missed))
  }
}
