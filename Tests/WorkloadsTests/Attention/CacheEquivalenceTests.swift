import Foundation
import Kernels
import Workloads
import Quantities
import TestSupport
import Testing

/// What must not depend on how it is computed: with a cache or without, at once or token by token, in
/// pages or in one piece, in whatever order of sequences.
@Suite struct CacheEquivalenceTests {
  private let ledger: MemoryLedger
  private let execution: Execution
  private let best: Variant<AttentionDecodeWorkload>

  init() throws {
    ledger = try MemoryLedger()
    execution = Execution(
      ledger: ledger, pool: try ThreadPool(threads: min(2, ThreadPool.allowedCPUs.count)))
    best = try #require(AttentionDecodeWorkload.bestVariant)
  }

  private func problem(
    batch: Int = 1, context: Int, newTokens: Int = 1,
    lengths: AttentionDecodeWorkload.Lengths = .same,
    mask: AttentionMask = .causal, kvCache: CacheSwitch = .on,
    type: CacheType = .fp32, paging: CachePaging = .contiguous, rope: RotaryLayout = .none
  ) -> AttentionDecodeWorkload.Problem {
    AttentionDecodeWorkload.Problem(
      batch: batch, heads: 4, kvHeads: 2, headDim: 32, context: context, newTokens: newTokens,
      lengths: lengths, mask: mask, kvCache: kvCache,
      cache: CacheAxes(keys: type, values: type, paging: paging), rotary: RotaryAxes(rope))
  }

  private func result(
    _ problem: AttentionDecodeWorkload.Problem, _ operands: AttentionDecodeWorkload.Operands
  )
    throws -> [Float]
  {
    operands.o.fillNaN()
    try best.prepare(problem, operands, execution).run()
    return (0..<operands.o.count).map { operands.o[$0] }
  }

  private func tensor(_ shape: [Int], _ numbers: [Float]) throws -> Tensor {
    let tensor = try ledger.tensor(.fp32, shape, .activations)
    for (index, number) in numbers.enumerated() { tensor.pointer(to: Float.self)[index] = number }
    return tensor
  }

  private func numbers(_ count: Int, seed: UInt64) throws -> [Float] {
    let tensor = try ledger.tensor(.fp32, [count], .activations)
    tensor.fillUniform(seed: seed)
    return (0..<count).map { tensor[$0] }
  }

  /// How far a rounding of keys and values to a type may carry a result: a few steps of numbers that
  /// are about 1.
  private static func limit(_ type: CacheType) -> Float {
    switch type {
    case .fp32: 1e-5
    case .fp16: 0x1p-9
    case .bf16: 0x1p-6
    case .q8_0: 0.03
    case .q4_0: 0.4
    }
  }

  @Test(
    arguments: [AttentionMask.causal, .full, .window(9), .blocks],
    [
      (CacheType.fp32, CachePaging.contiguous), (.fp16, .pages(16)), (.bf16, .pages(64)),
      (.q8_0, .pages(32)), (.q4_0, .contiguous), (.q8_0, .contiguous),
    ])
  func `with a cache it is as without`(
    mask: AttentionMask, storage: (type: CacheType, paging: CachePaging)
  ) throws {
    let (type, paging) = storage
    let off = problem(context: 150, newTokens: 3, mask: mask, kvCache: .off)
    let operands = try AttentionDecodeWorkload.operands(for: off, seed: 7, in: ledger)
    let expected = try result(off, operands)
    let (hidden, wK, wV) = try #require(operands.step.projected)
    func project(_ weights: Tensor) -> [Float] {
      (0..<153 * 64).map { index in
        (0..<128).reduce(0) {
          $0 + hidden[index / 64 * 128 + $1] * weights[index % 64 * 128 + $1]
        }
      }
    }
    let (keys, values) = (project(wK), project(wV))
    let on = problem(context: 150, newTokens: 3, mask: mask, type: type, paging: paging)
    let cached = try AttentionDecodeWorkload.operands(for: on, seed: 8, in: ledger)
    let cache = try #require(cached.step.cached).cache
    // Beside the sequence that is there: in its place.
    try cache.remove(0)
    let sequence = cache.addSequence()
    try cache.append(Array(keys.prefix(150 * 64)), Array(values.prefix(150 * 64)), to: sequence)
    _ = try cache.reserve(3, for: sequence)
    let queries = (150 * 128..<153 * 128).map { operands.q[$0] }
    let found = try result(
      on,
      AttentionDecodeWorkload.Operands(
        q: try tensor([3, 4, 32], queries),
        step: .cached(
          newK: try tensor([3, 2, 32], Array(keys.suffix(3 * 64))),
          newV: try tensor([3, 2, 32], Array(values.suffix(3 * 64))), cache: cache,
          sequences: [sequence]), o: cached.o))
    let worst = zip(expected, found).map { abs($0 - $1) }.max() ?? .infinity
    #expect(worst <= Self.limit(type))
  }

  @Test(arguments: CacheType.allCases, [RotaryLayout.none, .neox])
  func `one token at a time is the whole prompt`(type: CacheType, rope: RotaryLayout) throws {
    let tokens = 70
    let prompt = AttentionPrefillWorkload.Problem(
      batch: 1, heads: 4, kvHeads: 2, headDim: 32, tokens: tokens, mask: .causal, precision: .fp32,
      rotary: RotaryAxes(rope))
    let whole = try AttentionPrefillWorkload.operands(for: prompt, seed: 3, in: ledger)
    try #require(AttentionPrefillWorkload.bestVariant).prepare(prompt, whole, execution).run()
    let cache = try KVCache(
      layout: CacheLayout(kvHeads: 2, headDim: 32, keys: type, values: type, pageTokens: 16),
      pages: 5, in: ledger)
    let sequence = cache.addSequence()
    // The first is all that it sees.
    func row(_ tensor: Tensor, _ token: Int, heads: Int) -> [Float] {
      (token * heads * 32..<(token + 1) * heads * 32).map { tensor[$0] }
    }
    try cache.append(row(whole.k, 0, heads: 2), row(whole.v, 0, heads: 2), to: sequence)
    var worst: Float = 0
    for token in 1..<tokens {
      _ = try cache.reserve(1, for: sequence)
      let step = problem(context: token, type: type, paging: .pages(16), rope: rope)
      let found = try result(
        step,
        AttentionDecodeWorkload.Operands(
          q: try tensor([1, 4, 32], row(whole.q, token, heads: 4)),
          step: .cached(
            newK: try tensor([1, 2, 32], row(whole.k, token, heads: 2)),
            newV: try tensor([1, 2, 32], row(whole.v, token, heads: 2)), cache: cache,
            sequences: [sequence]), o: try tensor([1, 4, 32], [])))
      for (one, other) in zip(found, row(whole.o, token, heads: 4)) {
        worst = max(worst, abs(one - other))
      }
    }
    #expect(worst <= Self.limit(type))
  }

  @Test func `sequences in another order give results in that order`() throws {
    let problem = problem(batch: 2, context: 40, newTokens: 2, type: .q8_0, paging: .pages(16))
    let operands = try AttentionDecodeWorkload.operands(for: problem, seed: 5, in: ledger)
    let (newK, newV, cache, sequences) = try #require(operands.step.cached)
    let first = try result(problem, operands)
    func swapped(_ tensor: Tensor) throws -> Tensor {
      let all = (0..<tensor.count).map { tensor[$0] }
      return try self.tensor(
        tensor.shape, Array(all.suffix(all.count / 2) + all.prefix(all.count / 2)))
    }
    let other = try result(
      problem,
      AttentionDecodeWorkload.Operands(
        q: try swapped(operands.q),
        step: .cached(
          newK: try swapped(newK), newV: try swapped(newV), cache: cache,
          sequences: sequences.reversed()), o: operands.o))
    let half = first.count / 2
    #expect(Array(other.suffix(half) + other.prefix(half)) == first)
  }

  @Test(arguments: CacheType.allCases)
  func `what a window no longer sees may be gone`(type: CacheType) throws {
    let problem = problem(
      context: 100, newTokens: 2, mask: .window(20), type: type, paging: .pages(16))
    let operands = try AttentionDecodeWorkload.operands(for: problem, seed: 4, in: ledger)
    let (_, _, cache, sequences) = try #require(operands.step.cached)
    let before = try result(problem, operands)
    let held = cache.use.held
    // The first new token sees from 81 on.
    try cache.evict(sequences[0], before: 81)
    #expect(cache.use.held == held - 5)
    #expect(try result(problem, operands) == before)
  }

  @Test(arguments: CacheType.allCases)
  func `shared pages are as copied ones`(type: CacheType) throws {
    let problem = problem(batch: 2, context: 40, type: type, paging: .pages(16))
    let layout = CacheLayout(kvHeads: 2, headDim: 32, keys: type, values: type, pageTokens: 16)
    let (keys, values) = (try numbers(40 * 64, seed: 1), try numbers(40 * 64, seed: 2))
    let inputs = try (0..<3).map { try numbers(2 * 128, seed: 10 + UInt64($0)) }
    func run(sharing: Bool) throws -> [Float] {
      let cache = try KVCache(layout: layout, pages: 6, in: ledger)
      let one = cache.addSequence()
      try cache.append(keys, values, to: one)
      let other = sharing ? try cache.fork(one) : cache.addSequence()
      if !sharing { try cache.append(keys, values, to: other) }
      for sequence in [one, other] { _ = try cache.reserve(1, for: sequence) }
      #expect(cache.use.shared == (sharing ? 2 : 0))
      return try result(
        problem,
        AttentionDecodeWorkload.Operands(
          q: try tensor([2, 4, 32], inputs[0]),
          step: .cached(
            newK: try tensor([2, 2, 32], Array(inputs[1].prefix(128))),
            newV: try tensor([2, 2, 32], Array(inputs[2].prefix(128))), cache: cache,
            sequences: [one, other]), o: try tensor([2, 4, 32], [])))
    }
    #expect(try run(sharing: true) == run(sharing: false))
  }
}

extension AttentionDecodeWorkload.Operands.Step {
  fileprivate var cached: (newK: Tensor, newV: Tensor, cache: KVCache, sequences: [Int])? {
    guard case .cached(let newK, let newV, let cache, let sequences) = self else { return nil }
    return (newK, newV, cache, sequences)
  }

  fileprivate var projected: (hidden: Tensor, wK: Tensor, wV: Tensor)? {
    guard case .projected(let hidden, let wK, let wV) = self else { return nil }
    return (hidden, wK, wV)
  }
}
