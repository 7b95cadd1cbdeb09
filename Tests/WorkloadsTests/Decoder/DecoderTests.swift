import Kernels
import Models
import Workloads
import Quantities
import TestSupport
import Testing

@Suite struct DecoderTests {
  private static let threads = Array(1...min(2, ThreadPool.allowedCPUs.count))

  private static func model(
    format: ElementType = .fp32, tied: DecoderWorkload.Tied = .no, mlp: FeedForward = .swiglu,
    batch: Int = 2, phase: DecoderWorkload.Phase = .both, prompt: Int = 5, tokens: Int = 2,
    depth: Int = 0, kvCache: CacheSwitch = .on, cacheType: CacheType = .fp16,
    paging: CachePaging = .contiguous, rope: RotaryLayout = .neox
  ) -> DecoderWorkload.Problem {
    DecoderWorkload.Problem(
      layers: 2, hidden: 256, ffn: 512, heads: 4, kvHeads: 2, headDim: 64, vocab: 70, tied: tied,
      mlp: mlp, format: format, batch: batch, phase: phase, prompt: prompt, tokens: tokens,
      depth: depth, kvCache: kvCache,
      cache: CacheAxes(keys: cacheType, values: cacheType, paging: paging), rotary: RotaryAxes(rope)
    )
  }

  @Test(arguments: DecoderWorkload.Phase.allCases)
  func `a decoder holds on its smallest problem and beside it`(phase: DecoderWorkload.Phase) throws
  {
    let smallest = DecoderWorkload.smallest
    let problem = DecoderWorkload.Problem(
      layers: 2, hidden: smallest.layer.hidden, ffn: smallest.layer.ffn, heads: 4, kvHeads: 2,
      headDim: 16,
      vocab: 70, format: .fp32, batch: 2, phase: phase, prompt: 5, tokens: 2)
    let conformance = Conformance<DecoderWorkload>()
    let failures = try conformance.failures(
      of: conformance.neighbours(of: problem), threads: Self.threads)
    #expect(failures == [])
    #expect(try conformance.workFailures(of: problem) == [])
  }

  /// A prompt at once and then token by token, against all at once in fp64.
  @Test(arguments: [
    ElementType.fp16, .bf16, .q8_0, .q4_0, .q4_k, .q6_k, .iq4_nl, .nf4, .int8, .int4,
  ])
  func `a decoder holds for weights in each format`(format: ElementType) throws {
    let problems = [
      Self.model(format: format), Self.model(format: format, tied: .yes, phase: .decode, depth: 9),
    ]
    let failures = try Conformance<DecoderWorkload>().failures(
      of: problems, threads: [Self.threads.count])
    #expect(failures == [])
  }

  @Test(arguments: CacheType.allCases, [CachePaging.contiguous, .pages(16)])
  func `a decoder holds for each cache`(type: CacheType, paging: CachePaging) throws {
    let problems = [
      Self.model(prompt: 20, cacheType: type, paging: paging),
      Self.model(prompt: 5, depth: 30, cacheType: type, paging: paging, rope: .llama),
      Self.model(phase: .decode, tokens: 1, cacheType: type, paging: paging),
    ]
    let failures = try Conformance<DecoderWorkload>().failures(
      of: problems, threads: [Self.threads.count])
    #expect(failures == [])
  }

  @Test(arguments: [FeedForward.swiglu, .gelu], [RotaryLayout.none, .llama, .neox])
  func `a decoder holds without a cache`(mlp: FeedForward, rope: RotaryLayout) throws {
    let problems = [
      Self.model(mlp: mlp, phase: .decode, tokens: 1, depth: 12, kvCache: .off, rope: rope),
      Self.model(mlp: mlp, phase: .prefill, kvCache: .off, rope: rope),
    ]
    let failures = try Conformance<DecoderWorkload>().failures(
      of: problems, threads: [Self.threads.count])
    #expect(failures == [])
  }

  @Test(arguments: [ElementType.fp32, .q8_0], [(0, 1), (0, 6), (7, 1), (7, 6)])
  func `a block holds`(format: ElementType, place: (depth: Int, tokens: Int)) throws {
    let (depth, tokens) = place
    let conformance = Conformance<DecoderBlockWorkload>()
    let problem = DecoderBlockWorkload.Problem(
      hidden: 96, ffn: 160, heads: 6, kvHeads: 2, headDim: 32, format: format, batch: 2,
      tokens: tokens, depth: depth)
    let failures = try conformance.failures(
      of: format == .fp32 ? conformance.neighbours(of: problem) : [problem],
      threads: Self.threads)
    #expect(failures == [])
    #expect(try conformance.workFailures(of: problem) == [])
  }

  /// By hand: 2 layers of 4 · 256² + … weights, 70 · 256 logits.
  @Test func `work counts each pass's weights and what it sees`() {
    let layer = 256 * 256 * 2 + 256 * 128 * 2 + 3 * 256 * 512
    let prefill = DecoderWorkload.work(of: Self.model(format: .fp16, batch: 1, phase: .prefill))
    // 5 tokens see 15 pairs.
    #expect(
      prefill.flops == 2 * (2 * 5 * layer + 4 * 256 * 15) + 2 * 70 * 256)
    #expect(prefill.bytesRead == Bytes(2 * (2 * layer + 70 * 256)))
    #expect(prefill.tokens == 5)
    let decode = DecoderWorkload.work(
      of: Self.model(format: .fp16, batch: 3, phase: .decode, tokens: 2, depth: 10))
    #expect(decode.tokens == 6)
    // Two passes read the weights, and 11 and 12 tokens of 2 layers' 2 heads of 64, twice 2 bytes.
    let cached = 3 * (11 + 12) * 2 * 2 * 64 * 4
    #expect(decode.bytesRead == Bytes(2 * 2 * (2 * layer + 70 * 256) + cached))
  }

  @Test func `what a check cannot compute is made smaller, and said`() throws {
    let large = DecoderWorkload.Problem(
      layers: 22, hidden: 2048, ffn: 5632, heads: 32, kvHeads: 4, headDim: 64, vocab: 32_000,
      phase: .both, prompt: 512, tokens: 128)
    let reduced = try #require(DecoderWorkload.reduced(large))
    #expect(reduced.problem.layer.hidden == 2048)
    #expect(reduced.problem.layers == 2)
    #expect(reduced.label == "2 of 22 layers at full width, 8 of 640 tokens")
    #expect(DecoderWorkload.reduced(reduced.problem) == nil)
  }

  @Test(arguments: [
    (model(format: .q4_k, kvCache: .off), "kv-cache"),
    (
      DecoderWorkload.Problem(
        layers: 1, hidden: 100, ffn: 64, heads: 2, kvHeads: 1, headDim: 32, vocab: 9,
        format: .q8_0, phase: .prefill), "hidden"
    ),
    (
      DecoderWorkload.Problem(
        layers: 1, hidden: 64, ffn: 64, heads: 3, kvHeads: 2, headDim: 32, vocab: 9,
        phase: .prefill), "kv-heads"
    ),
  ])
  func `what makes no decoder is told so`(problem: DecoderWorkload.Problem, axis: String) {
    #expect {
      try DecoderWorkload.validate(problem)
    } throws: {
      ($0 as? ProblemFault)?.axis == axis
    }
  }
}
