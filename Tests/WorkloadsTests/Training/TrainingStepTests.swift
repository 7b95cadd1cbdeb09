import Kernels
import Quantities
import TestSupport
import Testing
import Training
import Workloads

@Suite struct TrainingStepTests {
  private static let threads = Array(1...min(2, ThreadPool.allowedCPUs.count))
  private static let conformance = Conformance<TrainingStepWorkload>()

  private static func problem(
    tied: DecoderWorkload.Tied = .no, batch: Int = 2, attention: TrainingAttention = .tiled,
    precision: TrainingPrecision = .fp32, checkpointing: CheckpointingAxis = .fixed(.none),
    loss: LinearCrossEntropy.Chunks = .whole, update: UpdateAxis = .separate, accumulation: Int = 1,
    clip: ClipAxis = .none, adapter: AdapterAxes = AdapterAxes()
  ) -> TrainingStepWorkload.Problem {
    TrainingStepWorkload.Problem(
      layers: 3, hidden: 34, ffn: 42, heads: 4, kvHeads: 2, headDim: 8, vocab: 61, tied: tied,
      batch: batch, tokens: 7, attention: attention, checkpointing: checkpointing, loss: loss,
      precision: precision, update: update, accumulation: accumulation, clip: clip, adapter: adapter
    )
  }

  private func expectHold(_ problems: [TrainingStepWorkload.Problem]) throws {
    let failures = try Self.conformance.failures(of: problems, threads: Self.threads)
    #expect(failures == [])
  }

  @Test func `a step holds on its smallest problem and beside it`() throws {
    let smallest = TrainingStepWorkload.smallest
    try expectHold(Self.conformance.neighbours(of: smallest))
    #expect(try Self.conformance.workFailures(of: smallest) == [])
  }

  /// Each word of each axis in turn: precisions, optimizers, updates, layouts, bases.
  @Test func `a step holds for each word of each axis`() throws {
    let smallest = TrainingStepWorkload.smallest
    try expectHold(Self.conformance.otherWords(of: smallest))
  }

  @Test(arguments: [
    CheckpointingAxis.fixed(.pointwise), .fixed(.attention), .fixed(.block), .fixed(.layers(2)),
    .fixed(.segments(2)), .root,
  ])
  func `a step holds for each kind of checkpointing`(checkpointing: CheckpointingAxis) throws {
    let problems = [
      Self.problem(checkpointing: checkpointing),
      Self.problem(checkpointing: checkpointing, update: .inBackward),
      Self.problem(
        checkpointing: checkpointing, accumulation: 2, clip: .norm(1),
        adapter: AdapterAxes(.lora(4), dropout: 0.25)),
    ]
    try expectHold(problems)
  }

  @Test(arguments: [AdapterAxis.lora(4), .prefix(3), .bottleneck(5), .ia3])
  func `a step holds for each adapter`(adapter: AdapterAxis) throws {
    let problems = [
      Self.problem(adapter: AdapterAxes(adapter)),
      Self.problem(tied: .yes, accumulation: 3, clip: .norm(2), adapter: AdapterAxes(adapter)),
      Self.problem(update: .inBackward, adapter: AdapterAxes(adapter)),
    ]
    try expectHold(problems)
  }

  @Test(
    arguments: [AdapterAxis.none, .lora(4), .prefix(3), .bottleneck(5), .ia3],
    [TrainingPrecision.bf16, .fp16])
  func `a step in 16 bits holds for each adapter`(
    adapter: AdapterAxis, precision: TrainingPrecision
  ) throws {
    let problems = [
      Self.problem(precision: precision, adapter: AdapterAxes(adapter)),
      Self.problem(
        precision: precision, checkpointing: .fixed(.block), accumulation: 2, clip: .norm(2),
        adapter: AdapterAxes(adapter)),
      Self.problem(
        attention: .naive, precision: precision, checkpointing: .fixed(.attention),
        adapter: AdapterAxes(adapter)),
    ].filter { (try? TrainingStepWorkload.validate($0)) != nil }
    try expectHold(problems)
  }

  /// Blocks are of 32, 64 and 256 weights, so that sizes are their multiples.
  @Test(arguments: [
    (ElementType.fp16, 32), (.bf16, 32), (.q8_0, 32), (.q4_0, 32), (.nf4, 64), (.q4_k, 256),
  ])
  func `a step holds for a base in each format`(base: ElementType, block: Int) throws {
    let problem = TrainingStepWorkload.Problem(
      layers: 2, hidden: block, ffn: block, heads: 2, kvHeads: 2, headDim: block / 2, vocab: 31,
      batch: 1, tokens: 5,
      adapter: AdapterAxes(.lora(4), targets: .queriesAndValues, base: base))
    try expectHold([problem])
  }

  @Test(arguments: [LinearCrossEntropy.Chunks.whole, .tokens(3), .vocabulary(20)])
  func `a step holds for each cut of the loss`(loss: LinearCrossEntropy.Chunks) throws {
    let problems = [
      Self.problem(loss: loss), Self.problem(tied: .yes, loss: loss, accumulation: 2),
      Self.problem(batch: 1, loss: loss, clip: .norm(1)),
    ]
    try expectHold(problems)
  }

  @Test func `what a check cannot compute is made smaller, and said`() throws {
    let large = TrainingStepWorkload.Problem(
      layers: 22, hidden: 2048, ffn: 5632, heads: 32, kvHeads: 4, headDim: 64, vocab: 32_000,
      batch: 4, tokens: 512, checkpointing: .fixed(.layers(9)), accumulation: 8)
    let reduced = try #require(TrainingStepWorkload.reduced(large))
    #expect(reduced.problem.layer.hidden == 2048)
    #expect(reduced.problem.accumulation == 2)
    #expect(reduced.label == "2 of 22 layers at full width, 6 of 512 tokens")
    try TrainingStepWorkload.validate(reduced.problem)
    #expect(TrainingStepWorkload.reduced(reduced.problem) == nil)
  }
}

/// A step under a limit of its memory.
struct TrainingStepLimitTests {
  private static let problems: [TrainingStepWorkload.Problem] = [
    TrainingStepWorkload.smallest,
    TrainingStepWorkload.Problem(
      layers: 4, hidden: 32, ffn: 48, heads: 4, kvHeads: 2, headDim: 8, vocab: 500, tokens: 40,
      checkpointing: .fixed(.block), update: .inBackward),
    TrainingStepWorkload.Problem(
      layers: 4, hidden: 32, ffn: 48, heads: 4, kvHeads: 2, headDim: 8, vocab: 30, batch: 3,
      tokens: 40, accumulation: 2, clip: .norm(1), adapter: AdapterAxes(.lora(2))),
  ]

  private func prepare(_ problem: TrainingStepWorkload.Problem, in ledger: MemoryLedger) throws {
    let variant = try #require(TrainingStepWorkload.variants.first { $0.name == "portable" })
    ledger.begin(.operands)
    let operands = try TrainingStepWorkload.operands(for: problem, seed: 1, in: ledger)
    ledger.begin(.preparation)
    let kernel = try variant.prepare(
      problem, operands, Execution(ledger: ledger, pool: try ThreadPool(threads: 1)))
    kernel.run()
  }

  private func peak(_ problem: TrainingStepWorkload.Problem) throws -> Bytes {
    let variant = try #require(TrainingStepWorkload.variants.first { $0.name == "portable" })
    return try TrainingStepWorkload.plan(of: problem, variant: variant, threads: 1).peak
  }

  /// What lies in an arena is counted as it comes and goes, and the arena may be a little longer than the most
  /// that lives in it: a few tenths of it at most.
  @Test(arguments: problems)
  func `a step runs where its limit is a little above its peak`(
    problem: TrainingStepWorkload.Problem
  ) throws {
    let peak = try peak(problem)
    let ledger = try MemoryLedger(budget: Bytes(peak.count * 13 / 10))
    try prepare(problem, in: ledger)
    #expect(ledger.snapshot.plan.peak == peak)
    #expect(ledger.snapshot.refusal == nil)
  }

  @Test(arguments: problems)
  func `below its peak a step is refused, and the phase is named`(
    problem: TrainingStepWorkload.Problem
  ) throws {
    let variant = try #require(TrainingStepWorkload.variants.first { $0.name == "portable" })
    let plan = try TrainingStepWorkload.plan(of: problem, variant: variant, threads: 1)
    let ledger = try MemoryLedger(budget: plan.peak - Bytes(1))
    let fault = #expect(throws: LedgerFault.self) { try prepare(problem, in: ledger) }
    guard case .overBudget(_, _, let live, let budget) = fault else {
      Issue.record("\(String(describing: fault))")
      return
    }
    #expect(budget == plan.peak - Bytes(1))
    #expect(live.values.reduce(.zero, +) < plan.peak)
    #expect(ledger.snapshot.refusal?.phase == plan.peakPhase)
    // All that was allocated on the way has been given back.
    #expect(ledger.snapshot.live == [:])
    // And the ledger counts as if nothing had been asked for: what just fits is still let in.
    #expect(try ledger.allocate(budget, role: .weights).bytes == budget)
  }

  /// Little by little: each limit either is enough or refuses, and none is passed.
  @Test(arguments: problems)
  func `no limit is passed`(problem: TrainingStepWorkload.Problem) throws {
    let peak = try peak(problem)
    for share in 1...13 {
      let budget = Bytes(peak.count * share / 10)
      let ledger = try MemoryLedger(budget: budget)
      do { try prepare(problem, in: ledger) } catch is LedgerFault {}
      #expect(ledger.snapshot.plan.peak <= budget, "\(share) tenths")
      #expect(ledger.snapshot.live == [:])
    }
  }
}
