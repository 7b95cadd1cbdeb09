import CMicrokernels
import Foundation
import Kernels
import Workloads
import Quantities
import TestSupport
import Testing

@Suite struct AttentionPrefillTests {
  private static let threads = Array(1...min(2, ThreadPool.allowedCPUs.count))
  private static let masks: [AttentionMask] = [.causal, .full, .window(5), .window(1), .blocks]

  @Test(arguments: masks, FloatFormat.allCases)
  func `it holds on its smallest problem and beside it`(
    mask: AttentionMask, precision: FloatFormat
  ) throws {
    let smallest = AttentionPrefillWorkload.smallest
    let problem = AttentionPrefillWorkload.Problem(
      batch: smallest.batch, heads: smallest.heads, kvHeads: smallest.kvHeads,
      headDim: smallest.headDim, tokens: smallest.tokens, mask: mask, precision: precision)
    let conformance = Conformance<AttentionPrefillWorkload>()
    let failures = try conformance.failures(
      of: conformance.neighbours(of: problem), threads: Self.threads)
    #expect(failures == [])
  }

  /// Several blocks of keys, several stretches that are packed one after the other, queries that go
  /// on where they left off, blocks that nobody sees.
  @Test(arguments: [AttentionMask.causal, .full, .window(300), .blocks])
  func `it holds beyond one stretch of keys`(mask: AttentionMask) throws {
    let problem = AttentionPrefillWorkload.Problem(
      batch: 1, heads: 1, kvHeads: 1, headDim: 256, tokens: 520, mask: mask, precision: .bf16)
    #expect(
      try Conformance<AttentionPrefillWorkload>().failures(
        of: [problem], threads: [Self.threads.count])
        == [])
  }

  /// Of so few that each row is done by itself, and of the first that are not.
  @Test(arguments: [AttentionMask.causal, .full, .window(2), .blocks], FloatFormat.allCases)
  func `it holds for a few tokens`(mask: AttentionMask, precision: FloatFormat) throws {
    let problems = [(1, 7), (4, 4), (9, 1), (17, 3), (32, 1), (33, 1)].flatMap { tokens, group in
      [17, 80].map {
        AttentionPrefillWorkload.Problem(
          batch: 2, heads: 2 * group, kvHeads: 2, headDim: $0, tokens: tokens, mask: mask,
          precision: precision)
      }
    }
    #expect(
      try Conformance<AttentionPrefillWorkload>().failures(of: problems, threads: Self.threads)
        == [])
  }

  @Test(arguments: [RotaryLayout.llama, .neox], FloatFormat.allCases)
  func `it rotates queries and keys`(rope: RotaryLayout, precision: FloatFormat) throws {
    let problems = [17, 200].map {
      AttentionPrefillWorkload.Problem(
        batch: 2, heads: 6, kvHeads: 2, headDim: 24, tokens: $0, mask: .causal,
        precision: precision, rotary: RotaryAxes(rope, scaling: .yarn(2)))
    }
    #expect(
      try Conformance<AttentionPrefillWorkload>().failures(of: problems, threads: Self.threads)
        == [])
  }

  /// Shapes that nobody chose: the seed says which.
  @Test(arguments: 1...16)
  func `it holds on shapes drawn by a seed`(seed: Int) throws {
    var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15
    func draw(_ range: ClosedRange<Int>) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return range.lowerBound + Int(state >> 33) % range.count
    }
    let kvHeads = draw(1...3)
    let tokens = draw(1...100)
    let masks: [AttentionMask] = [.causal, .full, .window(draw(1...150)), .blocks]
    let mask = masks[draw(0...3)]
    let problem = AttentionPrefillWorkload.Problem(
      batch: draw(1...2), heads: kvHeads * draw(1...7), kvHeads: kvHeads,
      headDim: [1, 8, 40, 64, 80, 96, 128][draw(0...6)], tokens: tokens, mask: mask,
      precision: FloatFormat.allCases[draw(0...2)])
    #expect(
      try Conformance<AttentionPrefillWorkload>().failures(
        of: [problem], threads: [Self.threads.count])
        == [],
      "seed \(seed)")
  }

  /// By hand: 5 tokens see 1 + 2 + 3 + 4 + 5 keys, with a window of 2 1 + 2 + 2 + 2 + 2.
  @Test(arguments: [
    (AttentionMask.causal, 5, 15), (.full, 5, 25), (.window(2), 5, 9), (.window(9), 5, 15),
    // Blocks 0, 1 and 2 of 64: the first is seen by all, the one before by the third.
    (.blocks, 130, 64 * 65 / 2 + 64 * 64 + 64 * 65 / 2 + 2 * 128 + 3),
    // The eleventh block sees blocks 0, 8, 9 and itself.
    (.blocks, 641, -1),
  ])
  func `work is counted by what is seen`(mask: AttentionMask, tokens: Int, pairs: Int) {
    let problem = AttentionPrefillWorkload.Problem(
      batch: 3, heads: 4, kvHeads: 2, headDim: 10, tokens: tokens, mask: mask, precision: .fp16)
    var seen = 0
    for query in 0..<tokens {
      for key in 0..<tokens where mask.sees(key: key, from: query) { seen += 1 }
    }
    if pairs > 0 { #expect(seen == pairs) }
    let work = AttentionPrefillWorkload.work(of: problem)
    #expect(work.flops == 4 * 10 * 3 * 4 * seen)
    #expect(work.bytesRead == Bytes(2 * 3 * tokens * 10 * (4 + 2 + 2)))
    #expect(work.bytesWritten == Bytes(4 * 3 * tokens * 10 * 4))
  }

  /// Against Glibc's in fp64: every 97th number from −127 to 0.
  @Test func `the exponential is within 1 ulp`() {
    let loops = InstructionSet.allCases
      .filter { $0 != .portable && $0.missing == nil }
      .map { ($0.rawValue, $0.attention(.fp32)) }
    var values: [Float] = []
    let last = Float(-126).bitPattern
    var bits = Float(-0.0).bitPattern
    while bits < last {
      values.append(Float(bitPattern: bits))
      bits += 9973
    }
    for (name, loop) in loops {
      var results = values
      loop.exp2(values, &results, Int64(values.count))
      var worst = 0.0
      for (x, y) in zip(values, results) {
        let exact = exp2(Double(x))
        worst = max(worst, abs(Double(y) - exact) / Double(Float(exact).nextDown.ulp))
      }
      #expect(worst <= 1.02, "\(name): \(worst) ulp")
      var ends: [Float] = [0, 0, 0, 0]
      loop.exp2([0, -.infinity, -1000, .nan], &ends, 4)
      #expect(ends[0] == 1)
      #expect(ends[1] == 0)
      #expect(ends[2] == 0)
      #expect(ends[3].isNaN)
    }
  }

  @Test func `heads that do not share keys evenly are told so`() {
    #expect(throws: ProblemFault.self) {
      try AttentionPrefillWorkload.validate(
        .init(
          batch: 1, heads: 7, kvHeads: 2, headDim: 8, tokens: 8, mask: .causal, precision: .fp32))
    }
  }

  /// 1 MiB a thread beside inputs and outputs, and linear in tokens.
  @Test func `the tiled variants' workspace stays small`() throws {
    let portable = try #require(AttentionPrefillWorkload.variant(named: "portable"))
    func workspace(_ tokens: Int) throws -> Int {
      let problem = AttentionPrefillWorkload.Problem(
        batch: 1, heads: 32, kvHeads: 8, headDim: 128, tokens: tokens, mask: .causal,
        precision: .fp32)
      return try AttentionPrefillWorkload.plan(
        of: problem, variant: portable, threads: 1
      ).phases[.run]?[.workspace]?.count ?? 0
    }
    #expect(try workspace(2048) <= 1 << 20)
    #expect(try workspace(16_384) - workspace(8192) == 2 * (workspace(8192) - workspace(4096)))
  }
}
