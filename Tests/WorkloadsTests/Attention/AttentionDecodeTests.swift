import Kernels
import Workloads
import Quantities
import TestSupport
import Testing

@Suite struct AttentionDecodeTests {
  private static let threads = Array(1...min(2, ThreadPool.allowedCPUs.count))
  private static let types = CacheType.allCases

  private static func problem(
    batch: Int = 2, heads: Int = 6, kvHeads: Int = 2, headDim: Int = 18, context: Int = 37,
    newTokens: Int = 2, lengths: AttentionDecodeWorkload.Lengths = .same,
    mask: AttentionMask = .causal,
    kvCache: CacheSwitch = .on, k: CacheType = .fp16, v: CacheType = .fp16,
    paging: CachePaging = .contiguous, rope: RotaryLayout = .none
  ) -> AttentionDecodeWorkload.Problem {
    AttentionDecodeWorkload.Problem(
      batch: batch, heads: heads, kvHeads: kvHeads, headDim: headDim, context: context,
      newTokens: newTokens, lengths: lengths, mask: mask, kvCache: kvCache,
      cache: CacheAxes(keys: k, values: v, paging: paging), rotary: RotaryAxes(rope))
  }

  @Test(arguments: [CacheSwitch.on, .off])
  func `it holds on its smallest problem and beside it`(cache: CacheSwitch)
    throws
  {
    let conformance = Conformance<AttentionDecodeWorkload>()
    let failures = try conformance.failures(
      of: conformance.neighbours(of: Self.problem(kvCache: cache, rope: .neox)),
      threads: Self.threads)
    #expect(failures == [])
  }

  @Test(arguments: types, types)
  func `it holds for each type of keys and values`(k: CacheType, v: CacheType) throws {
    let failures = try Conformance<AttentionDecodeWorkload>().failures(
      of: [
        Self.problem(headDim: 96, context: 150, lengths: .mixed, k: k, v: v, rope: .llama),
        Self.problem(heads: 7, kvHeads: 1, headDim: 32, context: 15, newTokens: 1, k: k, v: v),
      ], threads: Self.threads)
    #expect(failures == [])
  }

  /// Each count of rows has loops of its own; the last one is a tile and another.
  @Test(arguments: 1...9)
  func `it holds for a group of any size`(heads: Int) throws {
    let problems = Self.types.map {
      Self.problem(
        batch: 1, heads: heads, kvHeads: 1, headDim: 96, context: 150, newTokens: 1, k: $0, v: $0)
    }
    #expect(
      try Conformance<AttentionDecodeWorkload>().failures(
        of: problems, threads: [Self.threads.count])
        == [])
  }

  @Test(arguments: [
    (AttentionMask.full, CachePaging.contiguous), (.window(5), .pages(16)),
    (.window(1), .contiguous), (.window(300), .pages(64)), (.blocks, .pages(32)),
    (.blocks, .contiguous), (.causal, .pages(48)),
  ])
  func `it holds for each mask and paging`(mask: AttentionMask, paging: CachePaging) throws {
    let problems = try [37, 640].map { context in
      try validated(
        Self.problem(
          headDim: 64, context: context, newTokens: 5, lengths: .mixed, mask: mask, k: .q8_0,
          paging: paging))
    }
    #expect(
      try Conformance<AttentionDecodeWorkload>().failures(of: problems, threads: Self.threads) == []
    )
  }

  @Test(arguments: [AttentionMask.causal, .full, .window(7), .blocks])
  func `it holds without a cache`(mask: AttentionMask) throws {
    let problems = [AttentionDecodeWorkload.Lengths.same, .mixed].map {
      Self.problem(
        headDim: 16, context: 70, newTokens: 3, lengths: $0, mask: mask, kvCache: .off,
        rope: .llama)
    }
    #expect(
      try Conformance<AttentionDecodeWorkload>().failures(of: problems, threads: Self.threads) == []
    )
  }

  /// Shapes that nobody chose: the seed says which.
  @Test(arguments: 1...24)
  func `it holds on shapes drawn by a seed`(seed: Int) throws {
    var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15
    func draw(_ range: ClosedRange<Int>) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return range.lowerBound + Int(state >> 33) % range.count
    }
    let kvHeads = draw(1...3)
    let headDim = [32, 64, 80, 96, 128, 10][draw(0...5)]
    let types = headDim.isMultiple(of: 32) ? Self.types : [.fp32, .fp16, .bf16]
    let masks: [AttentionMask] = [.causal, .full, .window(draw(1...150)), .blocks]
    let problem = try validated(
      Self.problem(
        batch: draw(1...3), heads: kvHeads * draw(1...7), kvHeads: kvHeads, headDim: headDim,
        context: draw(1...400), newTokens: draw(1...16), lengths: [.same, .mixed][draw(0...1)],
        mask: masks[draw(0...3)], k: types[draw(0...types.count - 1)],
        v: types[draw(0...types.count - 1)],
        paging: [.contiguous, .pages(16 * draw(1...16))][draw(0...1)],
        rope: RotaryLayout.allCases[draw(0...2)]))
    #expect(
      try Conformance<AttentionDecodeWorkload>().failures(
        of: [problem], threads: [Self.threads.count])
        == [],
      "seed \(seed)")
  }

  @Test(arguments: [CacheSwitch.on, .off])
  func `work grows with every axis`(cache: CacheSwitch) throws {
    #expect(
      try Conformance<AttentionDecodeWorkload>().workFailures(of: Self.problem(kvCache: cache))
        == [])
  }

  /// By hand: 2 sequences of 8 and 4 tokens and one new, 4 heads of 32, 2 of keys.
  @Test func `work counts what is seen, once for heads that share it`() {
    let work = AttentionDecodeWorkload.work(
      of: Self.problem(
        heads: 4, kvHeads: 2, headDim: 32, context: 8, newTokens: 1, lengths: .mixed, k: .q8_0,
        v: .fp16))
    #expect(work.flops == 4 * 32 * 4 * (9 + 5))
    let cached = (9 + 5) * 2 * (34 + 64)
    #expect(work.bytesRead == Bytes(cached + 4 * (2 * 4 * 32 + 2 * 2 * 2 * 32)))
  }

  /// 37 tokens and 2 new take 3 pages of 16, of which 9 are empty, for each of 2 sequences.
  @Test func `the ends of pages are told`() throws {
    let problem = Self.problem(headDim: 32, k: .q8_0, paging: .pages(16))
    let ledger = try MemoryLedger()
    let operands = try AttentionDecodeWorkload.operands(for: problem, seed: 1, in: ledger)
    let kernel = try #require(AttentionDecodeWorkload.variant(named: "portable")).prepare(
      problem, operands, Execution(ledger: ledger, pool: try ThreadPool(threads: 1)))
    let token = 2 * (34 + 2 * 32)
    #expect(kernel.unused == [.kvCache: Bytes(2 * 9 * token)])
  }

  @Test(arguments: [
    (problem(heads: 7), "kv-heads"), (problem(headDim: 80, k: .q8_0), "cache-type-k"),
    (problem(headDim: 80, v: .q4_0), "cache-type-v"), (problem(headDim: 9, rope: .neox), "rope"),
    (problem(paging: .pages(8)), "paging"), (problem(paging: .pages(24)), "paging"),
    (problem(paging: .pages(512)), "paging"),
  ])
  func `what makes no problem is told so`(problem: AttentionDecodeWorkload.Problem, axis: String) {
    #expect {
      try AttentionDecodeWorkload.validate(problem)
    } throws: {
      ($0 as? ProblemFault)?.axis == axis
    }
  }

  private func validated(_ problem: AttentionDecodeWorkload.Problem) throws
    -> AttentionDecodeWorkload.Problem
  {
    try AttentionDecodeWorkload.validate(problem)
    return problem
  }
}
