import Kernels
import Quantities
import Testing
import Workloads

/// Attention against PyTorch's in fp64: see `attention.py`.
///
/// A result strays from fp64 by the roundings of a sum of as many terms as there are keys, and by what
/// scores are off: the exponential makes that a relative error of each weight, above and below the line.
/// A score and the largest of its row are off by the roundings of their sums, relative to their terms.
@Suite struct AttentionGoldenTests {
  private static let threads = min(2, ThreadPool.allowedCPUs.count)
  private static let unit = 0x1p-24

  private static func names<W: Workload>(_: W.Type) -> [String] {
    W.variants.filter { $0.unavailable == nil && $0.kind != .competitor }.map(\.name)
  }

  // MARK: Prompts

  @Test(
    arguments: try AttentionGolden.cases(\.prefill), names(AttentionPrefillWorkload.self))
  func `a prompt's attention is that of another implementation`(
    golden: AttentionGolden, variant: String
  ) throws {
    let variant = try #require(AttentionPrefillWorkload.variant(named: variant))
    for precision in FloatFormat.allCases {
      let problem = try golden.prefill(precision)
      guard variant.declines(problem) == nil else { continue }
      let found = try prefill(golden, problem) { operands, execution in
        operands.o.fillNaN()
        try variant.prepare(problem, operands, execution).run()
        return operands.o.doubles(0..<operands.o.count)
      }
      // What is rotated is stored as it was before.
      let stored = golden.isRotated ? 2 * precision.rounding : 0
      #expect(
        farthest(try golden.ofRows(found), from: golden.outputs)
          <= golden.limit(keys: problem.tokens, score: stored), "\(precision.rawValue)")
    }
  }

  @Test(arguments: try AttentionGolden.cases(\.prefill))
  func `a prompt's reference is another implementation's, to nine digits`(golden: AttentionGolden)
    throws
  {
    let problem = try golden.prefill(.fp32)
    let found = try prefill(golden, problem) { operands, _ in
      AttentionPrefillWorkload.expectation(
        of: problem, operands, at: Self.all(of: operands.o)
      ).values
    }
    #expect(farthest(try golden.ofRows(found), from: golden.outputs) <= 1e-9)
  }

  private func prefill(
    _ golden: AttentionGolden, _ problem: AttentionPrefillWorkload.Problem,
    _ body: (AttentionPrefillWorkload.Operands, Execution) throws -> [Double]
  ) throws -> [Double] {
    let ledger = try MemoryLedger()
    let operands = try AttentionPrefillWorkload.operands(for: problem, seed: 0, in: ledger)
    Self.fill(operands.q, golden.seed, 0.5)
    Self.fill(operands.k, golden.seed + 1, 0.125)
    Self.fill(operands.v, golden.seed + 2, 0.125)
    return try body(
      operands, Execution(ledger: ledger, pool: try ThreadPool(threads: Self.threads)))
  }

  // MARK: Steps

  /// In caches of types that keep what they are given.
  @Test(arguments: try AttentionGolden.cases(\.cached), names(AttentionDecodeWorkload.self))
  func `attention to a cache is that of another implementation`(
    golden: AttentionGolden, variant: String
  ) throws {
    let variant = try #require(AttentionDecodeWorkload.variant(named: variant))
    // Rotated keys are no longer exact in 16 bits.
    for type in golden.isRotated ? [CacheType.fp32] : [.fp32, .fp16, .bf16] {
      for paging in [CachePaging.contiguous, .pages(16)] {
        let cache = CacheAxes(keys: type, values: type, paging: paging)
        let problem = try golden.decode(cache)
        let (found, expected) = try decode(golden, problem, variant, Self.cached)
        #expect(
          farthest(found, from: golden.outputs) <= golden.limit(keys: golden.longest),
          "\(type.rawValue), \(paging)")
        // The reference's, in which a rotated key was rounded to be kept.
        let kept = golden.isRotated ? 4 * golden.score * Self.unit : 0
        #expect(
          farthest(expected, from: golden.outputs) <= 1e-9 + kept, "\(type.rawValue), \(paging)")
      }
    }
  }

  /// A projected key or value strays by its sum's roundings; a key's moves a score by at most the
  /// query's length times its own, and rotation mixes two.
  @Test(arguments: try AttentionGolden.cases(\.recomputed), names(AttentionDecodeWorkload.self))
  func `attention without a cache is that of another implementation`(
    golden: AttentionGolden, variant: String
  ) throws {
    let variant = try #require(AttentionDecodeWorkload.variant(named: variant))
    let problem = try golden.decode(nil)
    let (found, expected) = try decode(golden, problem, variant, Self.projected)
    let terms = try #require(golden.projection)
    let strayed = Self.sum(2 * golden.heads * golden.headDim) * terms
    let magnitude = try golden.rotary.rotary.angles(headDim: golden.headDim).attentionFactor
    let query = 3.75 * Double(golden.headDim).squareRoot() * magnitude * magnitude
    let limit = golden.limit(
      keys: golden.longest, largestValue: terms,
      score: 2.0.squareRoot() * query * strayed / golden.score)
    #expect(farthest(found, from: golden.outputs) <= limit + strayed)
    #expect(farthest(expected, from: golden.outputs) <= 1e-9)
  }

  /// What a variant comes to, and then what is expected of it.
  private func decode(
    _ golden: AttentionGolden, _ problem: AttentionDecodeWorkload.Problem,
    _ variant: Variant<AttentionDecodeWorkload>,
    _ operands: (AttentionGolden, AttentionDecodeWorkload.Problem, MemoryLedger) throws ->
      AttentionDecodeWorkload.Operands
  ) throws -> (found: [Double], expected: [Double]) {
    let ledger = try MemoryLedger()
    let operands = try operands(golden, problem, ledger)
    operands.o.fillNaN()
    try variant.prepare(
      problem, operands,
      Execution(ledger: ledger, pool: try ThreadPool(threads: Self.threads))
    ).run()
    let expected = AttentionDecodeWorkload.expectation(
      of: problem, operands, at: Self.all(of: operands.o))
    return (operands.o.doubles(0..<operands.o.count), expected.values)
  }

  /// Other sequences take the places of those that were made up.
  private static func cached(
    _ golden: AttentionGolden, _ problem: AttentionDecodeWorkload.Problem, _ ledger: MemoryLedger
  ) throws -> AttentionDecodeWorkload.Operands {
    let operands = try AttentionDecodeWorkload.operands(for: problem, seed: 0, in: ledger)
    guard case .cached(let newK, let newV, let cache, let sequences) = operands.step else {
      throw NoCache()
    }
    fill(operands.q, golden.seed, 0.5)
    fill(newK, golden.seed + 1, 0.125)
    fill(newV, golden.seed + 2, 0.125)
    let contexts = try sequences.map { try cache.tokens(of: $0) - problem.newTokens }
    for sequence in sequences { try cache.remove(sequence) }
    let others = try contexts.enumerated().map { index, context in
      let sequence = cache.addSequence()
      let numbers = 0..<context * problem.kvHeads * problem.headDim
      let seed = golden.seed + 3 + 2 * UInt32(index)
      try cache.append(
        numbers.map { dyadic(seed, $0) * 0.125 }, numbers.map { dyadic(seed + 1, $0) * 0.125 },
        to: sequence)
      _ = try cache.reserve(problem.newTokens, for: sequence)
      return sequence
    }
    return AttentionDecodeWorkload.Operands(
      q: operands.q, step: .cached(newK: newK, newV: newV, cache: cache, sequences: others),
      o: operands.o)
  }

  private struct NoCache: Error {}

  private static func projected(
    _ golden: AttentionGolden, _ problem: AttentionDecodeWorkload.Problem, _ ledger: MemoryLedger
  ) throws -> AttentionDecodeWorkload.Operands {
    let operands = try AttentionDecodeWorkload.operands(for: problem, seed: 0, in: ledger)
    fill(operands.q, golden.seed, 0.5)
    if case .projected(let hidden, let ofKeys, let ofValues) = operands.step {
      fill(hidden, golden.seed + 1, 0.125)
      fill(ofKeys, golden.seed + 2, 0.03125)
      fill(ofValues, golden.seed + 3, 0.03125)
    }
    return operands
  }

  private static func fill(_ tensor: Tensor, _ seed: UInt32, _ scale: Float) {
    for index in 0..<tensor.count { tensor.store(scale * dyadic(seed, index), at: index) }
  }

  private static func all(of output: Tensor) -> OutputSample {
    OutputSample(
      rows: output.rows, columns: output.columns, flopsPerResult: 1, flopBudget: .max,
      countBudget: .max, seed: 0)
  }

  fileprivate static func sum(_ roundings: Int) -> Double {
    Tolerance.sum(roundings: roundings).relative
  }
}

/// An attention's shape and what came out; of prompts and of steps alike.
struct AttentionGolden: Decodable, Sendable, CustomTestStringConvertible {
  let mask: String
  let batch: Int
  let heads: Int
  let kvHeads: Int
  let headDim: Int
  let seed: UInt32
  let layout: RotaryLayout
  let base: Int
  let scaling: String
  /// A prompt's, and those of them whose outputs are given.
  let tokens: Int?
  let rows: [Int]?
  /// A step's.
  let context: Int?
  let newTokens: Int?
  let lengths: AttentionDecodeWorkload.Lengths?
  /// The largest sum of the magnitudes of a score's terms, divided as the score is.
  let score: Double
  /// Likewise of a projected key or value.
  let projection: Double?
  let outputs: [Double]

  struct File: Decodable {
    let prefill: [AttentionGolden]
    let cached: [AttentionGolden]
    let recomputed: [AttentionGolden]
  }

  static func cases(_ kind: KeyPath<File, [AttentionGolden]>) throws -> [AttentionGolden] {
    let cases = try GoldenFile<File>.cases("attention")[keyPath: kind]
    try #require(!cases.isEmpty)
    return cases
  }

  var testDescription: String {
    "\(mask), \(batch) × \(heads)/\(kvHeads) heads of \(headDim), \(tokens ?? longest) tokens, "
      + "\(layout.rawValue)"
  }

  var isRotated: Bool { layout != .none }
  var longest: Int { (context ?? 0) + (newTokens ?? 0) }

  var rotary: RotaryAxes {
    get throws {
      RotaryAxes(layout, base: base, scaling: try #require(RotaryScaling(axisText: scaling)))
    }
  }

  func prefill(_ precision: FloatFormat) throws -> AttentionPrefillWorkload.Problem {
    AttentionPrefillWorkload.Problem(
      batch: batch, heads: heads, kvHeads: kvHeads, headDim: headDim, tokens: try #require(tokens),
      mask: try #require(AttentionMask(axisText: mask)), precision: precision, rotary: try rotary)
  }

  /// - Parameter cache: nil for a step without one.
  func decode(_ cache: CacheAxes?) throws -> AttentionDecodeWorkload.Problem {
    AttentionDecodeWorkload.Problem(
      batch: batch, heads: heads, kvHeads: kvHeads, headDim: headDim,
      context: try #require(context), newTokens: try #require(newTokens),
      lengths: try #require(lengths), mask: try #require(AttentionMask(axisText: mask)),
      kvCache: cache == nil ? .off : .on, cache: cache ?? CacheAxes(), rotary: try rotary)
  }

  /// Of a whole prompt's numbers those whose golden ones are given.
  func ofRows(_ all: [Double]) throws -> [Double] {
    let (tokens, rows) = (try #require(tokens), try #require(rows))
    let width = heads * headDim
    var found: [Double] = []
    for index in 0..<batch {
      for row in rows {
        let start = (index * tokens + row) * width
        found += all[start..<start + width]
      }
    }
    return found
  }

  /// - Parameters:
  ///   - largestValue: of what is weighted: 7.5 / 8 where it is drawn.
  ///   - score: what else a score is off by, relative to its terms.
  func limit(keys: Int, largestValue: Double = 0.9375, score more: Double = 0) -> Double {
    let rotating = isRotated ? 10 * 0x1p-24 : 0
    // The sum of products, the scaling, and taking the largest away.
    let roundings = AttentionGoldenTests.sum(2 * headDim) + 4 * 0x1p-24 + rotating + more
    let sum = AttentionGoldenTests.sum(2 * keys + 4)
    return largestValue * (sum + 2 * 2 * score * roundings)
  }
}
