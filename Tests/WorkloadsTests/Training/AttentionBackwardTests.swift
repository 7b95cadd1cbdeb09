import Kernels
import Quantities
import TestSupport
import Testing
import Workloads

@Suite struct AttentionBackwardTests {
  private static let threads = Array(1...min(2, ThreadPool.allowedCPUs.count))
  private static let masks: [AttentionMask] = [.causal, .full, .window(5), .window(1), .blocks]

  @Test(arguments: masks, FloatFormat.allCases)
  func `it holds on its smallest problem and beside it`(
    mask: AttentionMask, precision: FloatFormat
  ) throws {
    let problem = AttentionBackwardWorkload.Problem(
      batch: 2, heads: 6, kvHeads: 2, headDim: 17, tokens: 37, mask: mask, precision: precision)
    let conformance = Conformance<AttentionBackwardWorkload>()
    #expect(
      try conformance.failures(of: conformance.neighbours(of: problem), threads: Self.threads)
        == [])
    #expect(try conformance.workFailures(of: problem) == [])
  }

  /// Several blocks of queries, and with wide heads several of keys; blocks of keys that no query of a block
  /// sees, and queries that see some of a block's.
  @Test(arguments: [AttentionMask.causal, .full, .window(150), .window(17), .blocks])
  func `it holds beyond one block`(mask: AttentionMask) throws {
    let problems = [(64, 300), (256, 260)].map {
      AttentionBackwardWorkload.Problem(
        heads: 2, kvHeads: 1, headDim: $0.0, tokens: $0.1, mask: mask, precision: .bf16)
    }
    #expect(
      try Conformance<AttentionBackwardWorkload>().failures(
        of: problems, threads: [Self.threads.count]) == [])
  }

  @Test(arguments: [AttentionMask.causal, .full, .window(2)], FloatFormat.allCases)
  func `it holds for a few tokens`(mask: AttentionMask, precision: FloatFormat) throws {
    let problems = [(1, 1), (2, 3), (9, 1), (17, 2)].map {
      AttentionBackwardWorkload.Problem(
        heads: 2 * $0.1, kvHeads: 2, headDim: 8, tokens: $0.0, mask: mask, precision: precision)
    }
    #expect(
      try Conformance<AttentionBackwardWorkload>().failures(of: problems, threads: Self.threads)
        == [])
  }

  /// The forward pass, which is another workload's, a little to either side.
  @Test(arguments: [AttentionMask.causal, .full, .window(3)])
  func `what is expected is what the forward pass changes by`(mask: AttentionMask) throws {
    let problem = AttentionBackwardWorkload.Problem(
      batch: 2, heads: 4, kvHeads: 2, headDim: 3, tokens: 5, mask: mask)
    let ledger = try MemoryLedger()
    let operands = try AttentionBackwardWorkload.operands(for: problem, seed: 7, in: ledger)
    let expected = try AttentionBackwardWorkload.expected(of: problem, operands)
    let forward = AttentionPrefillWorkload.Problem(
      batch: 2, heads: 4, kvHeads: 2, headDim: 3, tokens: 5, mask: mask, precision: .fp32)
    // From the same seed, both have the same.
    let given = try AttentionPrefillWorkload.operands(for: forward, seed: 7, in: ledger)
    var start = 0
    for tensor in [given.q, given.k, given.v] {
      for index in 0..<tensor.count {
        let found = try centralDifference(tensor, at: index) {
          product(try AttentionPrefillWorkload.expected(of: forward, given), operands.dy)
        }
        #expect(abs(found - expected[start + index]) < 1e-5, "\(start) \(index)")
      }
      start += tensor.count
    }
  }

  /// By hand, of 3 tokens of 2 heads with 1 of keys, in fp16: 2 · 6 pairs of 8 · 4 flops. Read are q and o, 24
  /// numbers each, k and v, 12 each, of 2 bytes, dy and 6 sums of 4; written 24 + 12 + 12 of 4.
  @Test func `work is counted by what is seen`() {
    let work = AttentionBackwardWorkload.work(
      of: .init(heads: 2, kvHeads: 1, headDim: 4, tokens: 3, precision: .fp16))
    #expect(work.flops == 12 * 32)
    #expect(work.bytesRead == Bytes(2 * 72 + 4 * 30))
    #expect(work.bytesWritten == Bytes(4 * 48))
  }

  @Test func `a problem that is too large for fp64 is checked in part`() throws {
    let problem = AttentionBackwardWorkload.Problem(
      heads: 32, kvHeads: 8, headDim: 128, tokens: 8192)
    let reduced = try #require(AttentionBackwardWorkload.reduced(problem))
    #expect(reduced.problem == .init(heads: 4, kvHeads: 1, headDim: 128, tokens: 1024))
    #expect(reduced.label == "1 of 8 heads of keys, 1024 of 8192 tokens")
    #expect(AttentionBackwardWorkload.reduced(reduced.problem) == nil)
  }

  @Test func `heads that do not share keys evenly are told so`() {
    #expect(throws: ProblemFault.self) {
      try AttentionBackwardWorkload.validate(.init(heads: 7, kvHeads: 2, headDim: 8, tokens: 8))
    }
  }
}
