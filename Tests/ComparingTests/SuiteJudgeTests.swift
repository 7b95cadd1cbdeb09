import Comparing
import Testing

struct SuiteJudgeTests {
  /// Judges cases whose blocks are these differences, in per cent, as a replay does.
  private func judged(_ cases: [[Double]], null: [Double]? = nil) -> SuiteJudge {
    let timings = PairedTimings(
      cells: cases.enumerated().map {
        .init(name: "case \($0)", tolerance: nil, blocks: $1.map(block))
      }, null: null?.map(block))
    return timings.judged()
  }

  private func block(_ percent: Double) -> PairedBlock {
    PairedBlock(base: [1, 1], head: [1 + percent / 100, 1 + percent / 100])
  }

  private func verdicts(_ judge: SuiteJudge) -> [CaseVerdict] { judge.answer.cells.map(\.verdict) }

  @Test func `nine blocks without a slow-down pass`() {
    let answer = judged([Array(repeating: 0, count: 20)]).answer
    #expect(answer.cells[0].verdict == .pass)
    #expect(answer.cells[0].blocks == 9)
    #expect(answer.cells[0].stage == .screen)
    #expect(answer.verdict == .pass)
  }

  /// Suspected at 8, since E(8, 8) = 56.8; then 9 fresh ones, since E(9, 9) = 102.3 ≥ 1 / 1 %.
  @Test func `a slow-down of 10 % fails after 8 blocks and 9 fresh ones`() {
    let answer = judged([Array(repeating: 10, count: 40)]).answer
    #expect(answer.cells[0].verdict == .regressed)
    #expect(answer.cells[0].blocks == 17)
    #expect(answer.verdict == .regressed)
  }

  @Test func `a suite that is ended leaves what is undecided inconclusive`() {
    var judge = SuiteJudge(
      cases: ["still", "short", "slow"].map { ($0, GateTolerance.standard) }, hasNull: false)
    for _ in 0..<9 { judge.take(0, for: 0) }
    for _ in 0..<5 { judge.take(0, for: 1) }
    for _ in 0..<8 { judge.take(0.1, for: 2) }
    #expect(judge.open == [1])
    judge.close()
    #expect(judge.open.isEmpty)
    #expect(verdicts(judge) == [.pass, .inconclusive, .inconclusive])
    #expect(judge.answer.cells[1].reason == "5 blocks, and the screen needs 8")
    #expect(judge.answer.cells[2].reason?.hasPrefix("8 blocks cannot show a slow-down") == true)
  }

  @Test func `what made a case suspect does not count against it`() {
    // Eight blocks of +10 %, then none slower: a rule that counted all of them would fail sooner
    // than 48 fresh blocks clear it.
    let blocks = Array(repeating: 10.0, count: 8) + Array(repeating: 0.0, count: 88)
    let answer = judged([blocks]).answer
    #expect(answer.cells[0].verdict == .pass)
    #expect(answer.cells[0].blocks > 17)
  }

  /// The mean of five times E(9, 9) = 102.3 is above 1 / 1 %, and so is that of any of them.
  @Test func `five suspects that all slowed need no more than one`() {
    let answer = judged(Array(repeating: Array(repeating: 10, count: 40), count: 5)).answer
    #expect(answer.cells.map(\.blocks) == Array(repeating: 17, count: 5))
    #expect(answer.cells.allSatisfy { $0.verdict == .regressed })
  }

  /// Four were suspects by chance and show nothing more: 500 is needed, E(11, 11) = 341 is not
  /// enough, and E(12, 12) = 630 is.
  @Test func `one that slowed among four still suspects pays for all five`() {
    let still = Array(repeating: 10.0, count: 8) + Array(repeating: 0.0, count: 60)
    let cases = [Array(repeating: 10.0, count: 40)] + Array(repeating: still, count: 4)
    let judge = judged(cases)
    #expect(judge.suspects == 5)
    #expect(judge.answer.cells[0].verdict == .regressed)
    #expect(judge.answer.cells[0].blocks == 8 + 12)
    #expect(judge.answer.cells.dropFirst().allSatisfy { $0.verdict == .pass })
  }

  /// Twenty of which the screen could not tell: 1 / 0.98 % is needed, and E(9, 9) = 102.3 is enough.
  @Test func `what the screen left open does not hold up what looked slower`() {
    let open = (0..<120).map { $0 % 2 == 0 ? 6.0 : -6 }
    let cases = [Array(repeating: 10.0, count: 40)] + Array(repeating: open, count: 20)
    let judge = judged(cases)
    #expect(judge.suspects == 21)
    #expect(judge.answer.cells[0].verdict == .regressed)
    #expect(judge.answer.cells[0].blocks == 8 + 9)
    #expect(judge.answer.cells.dropFirst().allSatisfy { $0.verdict == .inconclusive })
  }

  /// One looked slower, so that the two others share a fiftieth of 1 %: 10,000 is needed, E(16, 16) =
  /// 7710 is not enough, and E(17, 17) = 14,563 is.
  @Test func `what the screen left open can still be proven slower`() {
    let screen = (0..<16).map { $0 % 2 == 0 ? 10.0 : 0 }
    let slow = screen + Array(repeating: 10.0, count: 40)
    let still = screen + Array(repeating: 0.0, count: 40)
    let judge = judged([Array(repeating: 10.0, count: 40), slow, still])
    #expect(judge.suspects == 3)
    #expect(verdicts(judge) == [.regressed, .regressed, .pass])
    #expect(judge.answer.cells[1].blocks == 16 + 17)
  }

  /// None looked slower: they have all of the false alarm, 200 for two, and E(10, 10) = 186 is not enough.
  @Test func `what the screen left open has the whole false alarm where nothing looked slower`() {
    let screen = (0..<16).map { $0 % 2 == 0 ? 10.0 : 0 }
    let slow = screen + Array(repeating: 10.0, count: 40)
    let still = screen + Array(repeating: 0.0, count: 40)
    let judge = judged([slow, still])
    #expect(verdicts(judge) == [.regressed, .pass])
    #expect(judge.answer.cells[0].blocks == 16 + 11)
  }

  @Test func `cases that passed the screen do not count among the suspects`() {
    var cases = Array(repeating: Array(repeating: 0.0, count: 40), count: 30)
    cases[7] = Array(repeating: 10, count: 40)
    let answer = judged(cases).answer
    #expect(answer.cells[7].verdict == .regressed)
    #expect(answer.cells[7].blocks == 17)
    #expect(answer.cells.count { $0.verdict == .pass } == 29)
  }

  @Test func `no confirmation is decided while a screen is open`() {
    var judge = SuiteJudge(
      cases: [("slow", .standard), ("open", .standard)], hasNull: false)
    for _ in 0..<8 { judge.take(0.1, for: 0) }
    #expect(judge.open == [1])
    #expect(judge.suspects == nil)
    for round in 0..<16 where judge.open == [1] { judge.take(round % 2 == 0 ? 0.1 : -0.1, for: 1) }
    #expect(judge.suspects == 2)
  }

  @Test func `a slow-down between what is tolerated and what must be seen is no regression`() {
    #expect(verdicts(judged([Array(repeating: 3, count: 40)])) == [.pass])
  }

  /// Half of the blocks are 6 % slower: neither sign prevails against either bound.
  @Test func `noise as wide as the bounds leaves a case inconclusive`() {
    let judge = judged([(0..<120).map { $0 % 2 == 0 ? 6 : -6 }])
    let cell = judge.answer.cells[0]
    #expect(cell.verdict == .inconclusive)
    #expect(cell.blocks == 16 + 96)
    #expect(cell.reason?.contains("96 fresh blocks") == true)
    #expect(judge.answer.verdict == .inconclusive)
  }

  @Test func `one block is too few to judge, and says so`() {
    let cell = judged([[0]]).answer.cells[0]
    #expect(cell.verdict == .inconclusive)
    #expect(cell.reason == "1 block, and the screen needs 8")
  }

  @Test func `a gain is confirmed by fresh blocks`() {
    let answer = judged([Array(repeating: -10, count: 40)]).answer
    #expect(answer.cells[0].verdict == .improved)
    // 9 to pass, and E(8, 8) = 56.8 ≥ 1 / 5 %: E(7, 7) = 31.9 is enough.
    #expect(answer.cells[0].blocks == 9 + 7)
    #expect(answer.verdict == .pass)
  }

  @Test(arguments: [8.0, -8.0]) func `base unlike itself contaminates a run`(percent: Double) {
    let judge = judged(
      [Array(repeating: 10, count: 40)], null: Array(repeating: percent, count: 20))
    #expect(judge.answer.verdict == .contaminated)
    #expect(judge.answer.null == .contaminated)
  }

  @Test func `noise about 0 does not contaminate`() {
    let judge = judged([[0]], null: (0..<40).map { $0 % 2 == 0 ? 8 : -8 })
    #expect(judge.answer.null == .still)
  }

  @Test func `a suite of nothing is not judged`() {
    #expect(judged([]).answer.verdict == .nothingJudged)
  }

  // Properties of the method

  private func noise(_ count: Int, seed: UInt64) -> [Double] {
    var bits = seed
    return (0..<count).map { _ in
      bits = bits &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(Int64(bitPattern: bits) >> 40) / Double(1 << 23) * 6
    }
  }

  @Test(arguments: [1, 2, 3, 4, 5] as [UInt64]) func `scaling all times changes nothing`(
    seed: UInt64
  ) {
    let blocks = noise(120, seed: seed).map(block)
    let scaled = blocks.map {
      PairedBlock(base: $0.base.map { $0 * 0.125 }, head: $0.head.map { $0 * 0.125 })
    }
    func answer(_ blocks: [PairedBlock]) -> JudgedCase {
      PairedTimings(cells: [.init(name: "x", tolerance: nil, blocks: blocks)], null: nil)
        .judged().answer.cells[0]
    }
    #expect(answer(blocks).verdict == answer(scaled).verdict)
    #expect(answer(blocks).blocks == answer(scaled).blocks)
  }

  @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
  func `the order of blocks within a stage is nothing`(
    seed: UInt64
  ) {
    // Slow enough to be suspected at the eighth block in any order.
    let screen = [8.0, 9, 8, 9, 8, 9, 8, 9]
    let fresh = noise(96, seed: seed).map { $0 + 4 }
    let one = judged([screen + fresh]).answer.cells[0]
    let other = judged([screen.reversed() + fresh]).answer.cells[0]
    #expect(one.verdict == other.verdict)
    #expect(one.blocks == other.blocks)
  }

  @Test func `the change is the median's, with the exact interval`() throws {
    // Differences of −1 … 7 %: 9 values, whose 95 % interval is from the 2nd to the 8th.
    let answer = judged([[-1, 0, 1, 2, 3, 4, 5, 6, 7].map { $0 / 10 }]).answer
    let change = try #require(answer.cells[0].change)
    #expect(abs(change.median - 0.003) < 1e-12)
    #expect(abs(try #require(change.low) - 0) < 1e-12)
    #expect(abs(try #require(change.high) - 0.006) < 1e-12)
  }

  /// Without noise any slow-down above what is tolerated is seen.
  @Test func `a still case would show what exceeds its tolerance`() throws {
    let cell = judged([Array(repeating: 0, count: 20)]).answer.cells[0]
    #expect(abs(try #require(cell.detectable) - 0.02) < 1e-12)
  }

  @Test func `a restless case shows less`() throws {
    // Nine blocks within ±4 %; a rate of 0.83 is needed against 1 / 1 % in 48, and a sixth of nine
    // lies 3 % under the median.
    let cell = judged([[-4, -3, -2, -1, 0, 1, 2, 3, 4, 0, 0, 0]]).answer.cells[0]
    #expect(try #require(cell.detectable) > 0.035)
  }
}
