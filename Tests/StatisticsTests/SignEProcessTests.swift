import Statistics
import Testing

struct SignEProcessTests {
  /// The first by hand: (2¹⁰ − 1) / 10. The others by scipy 1.17:
  /// `2 * quad(lambda p: (2*p)**S * (2 - 2*p)**(n - S), 0.5, 1, epsrel=1e-13)[0]`.
  @Test(arguments: [
    (9, 9, 102.3), (0, 0, 1.0), (1, 1, 1.5), (0, 1, 0.5), (13, 14, 155.96190476190475),
    (15, 17, 107.01470588235296), (48, 48, 11488774559618.592), (30, 48, 1.5045497669201104),
  ])
  func `evidence is the mixture's integral`(successes: Int, count: Int, expected: Double) {
    let evidence = SignEProcess.evidence(successes: successes, of: count)
    #expect(abs(evidence - expected) <= 1e-11 * expected)
  }

  @Test(arguments: [1, 5, 17, 60, 200])
  func `what comes next is worth on average what there is`(count: Int) {
    for successes in 0...count {
      let now = SignEProcess.evidence(successes: successes, of: count)
      let won = SignEProcess.evidence(successes: successes + 1, of: count + 1)
      let lost = SignEProcess.evidence(successes: successes, of: count + 1)
      #expect(abs((won + lost) / 2 - now) <= 1e-12 * now)
    }
  }

  /// The blocks that a confirmation takes at the least, beside 1, 5, 10 and 100 others.
  @Test(arguments: [(100.0, 9), (500.0, 12), (1000.0, 13), (10_000.0, 17)])
  func `as many successes in a row reach a threshold`(threshold: Double, count: Int) {
    #expect(SignEProcess.evidence(successes: count, of: count) >= threshold)
    #expect(SignEProcess.evidence(successes: count - 1, of: count - 1) < threshold)
    #expect(SignEProcess.fewestSuccesses(of: count - 1, reaching: threshold) == nil)
    #expect(SignEProcess.fewestSuccesses(of: count, reaching: threshold) == count)
  }

  /// Every path counted by an independent program, to three digits.
  @Test(arguments: [(500.0, 48, 0.876), (500, 96, 0.788), (10_000, 48, 0.918), (10_000, 96, 0.821)])
  func `a success rate reaches a threshold in time`(
    threshold: Double, count: Int, expected: Double
  ) throws {
    let rate = try #require(SignEProcess.rate(reaching: threshold, within: count, power: 0.99))
    #expect(abs(rate - expected) < 0.0006)
  }

  @Test func `no rate reaches what even all successes do not`() {
    #expect(SignEProcess.rate(reaching: 100, within: 8, power: 0.99) == nil)
  }
}
