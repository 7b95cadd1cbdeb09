import Quantities
import Running
import Testing

struct GateSettingTests {
  @Test(arguments: [
    (0.005, 0.005, 1, 10), (0.005, 0.006, 1, 9), (0.005, 0.03, 1, 2), (0.005, 1, 1, 1),
    (0.001, 0.0005, 1, 10), (0.025, 0.025, 2, 4), (0.025, 0.2, 2, 1),
  ])
  func `a block has as many turns as its time allows, and two a side at the least`(
    turn: Double, taken: Double, threads: Int, rounds: Int
  ) {
    #expect(
      GateSetting.rounds(turn: Seconds(turn), taking: taken, threads: threads) == rounds)
  }
}
