import CMicrokernels
import Quantities

/// New tokens against a cache: each token of it is read once, for all queries that share its head.
///
/// Heads are too few for many threads, so that tokens are what is divided; stretches of one head are put
/// together at the end.
final class CachedAttention: ParallelTask {
  typealias Problem = AttentionDecode.Problem
  private typealias Span = AttentionDecode.Span
  private typealias Space = AttentionDecode.Space

  /// What differs between instruction sets.
  struct Loops {
    let keys: hr_cache_keys
    let values: hr_cache_values
    let step: hr_decode_loops
    let turn: hr_turn
  }

  /// Where a step's tokens are, head by head: those of keys and values may be fewer.
  struct Tokens {
    let q: UnsafeMutablePointer<Float>
    let newK: UnsafeMutablePointer<Float>
    let newV: UnsafeMutablePointer<Float>
    let o: UnsafeMutablePointer<Float>
  }

  /// How many tokens sequences have before a step, and who does what of it.
  struct Step {
    fileprivate let contexts: [Int]
    fileprivate let division: AttentionDecode.Division

    init(_ problem: Problem, threads: Int) {
      contexts = problem.contexts
      division = AttentionDecode.Division(problem, threads: threads)
    }
  }

  private let problem: Problem
  private let layout: CacheLayout
  private let writer: CacheWriter
  private let loops: Loops
  private let pool: ThreadPool
  private let space: Space
  private let workspace: Allocation
  private let table: RotaryTable?
  var tokens: Tokens
  var step: Step
  /// The first of the cache's heads that are meant: a cache may hold those of all layers.
  var firstHead = 0
  private var phase = Phase.attend

  private static let lineBytes = 64

  private enum Phase {
    case attend
    case combine
  }

  /// - Parameters:
  ///   - problem: of the first step; those that follow differ in the context alone.
  ///   - table: of all positions that new tokens will have.
  init(
    problem: Problem, cache: KVCache, sequences: [Int], tokens: Tokens, table: RotaryTable?,
    loops: Loops, execution: Execution
  ) throws {
    self.problem = problem
    self.tokens = tokens
    self.table = table
    self.loops = loops
    layout = cache.layout
    pool = execution.pool
    writer = try CacheWriter(cache: cache, sequences: sequences, loops: loops, table: table)
    space = Space(problem)
    step = Step(problem, threads: pool.threads)
    workspace = try execution.ledger.allocate(
      Self.bytes(problem, threads: pool.threads), role: .workspace)
  }

  /// The same with another cache and other tokens.
  init(_ other: CachedAttention, cache: KVCache, sequences: [Int], tokens: Tokens) throws {
    (problem, layout, loops, pool, space) = (
      other.problem, other.layout, other.loops, other.pool, other.space
    )
    (workspace, table, step, firstHead) = (
      other.workspace, other.table, other.step, other.firstHead
    )
    self.tokens = tokens
    writer = try CacheWriter(cache: cache, sequences: sequences, loops: loops, table: table)
  }

  /// The workspace's: a boundary between two threads cuts one head's tokens at the most.
  static func bytes(_ problem: Problem, threads: Int) -> Bytes {
    Space(problem).bytes(
      threads: threads, spans: problem.batch * problem.kvHeads + threads - 1)
  }

  func run() {
    phase = .attend
    pool.run(self)
    guard step.division.isSplit else { return }
    phase = .combine
    pool.run(self)
  }

  func run(part: Int, of parts: Int) {
    if phase == .combine {
      for unit in split(step.division.units.count, part: part, of: parts) {
        combine(step.division.units[unit])
      }
      return
    }
    let own = floats + part * space.threadEnd
    let indices = step.division.byThread[part]
    if let first = indices.first {
      fetchKeys(step.division.spans[first])
      fetch(step.division.spans[first])
    }
    for index in indices {
      let next = index + 1 < indices.upperBound ? step.division.spans[index + 1] : nil
      if let next { fetch(next) }
      attend(step.division.spans[index], before: next, own, sums(of: index))
      if !step.division.isSplit { combine(index..<index + 1) }
    }
  }

  private var floats: UnsafeMutablePointer<Float> {
    workspace.start.assumingMemoryBound(to: Float.self)
  }
  private func sums(of span: Int) -> UnsafeMutablePointer<Float> {
    floats + pool.threads * space.threadEnd + span * space.spanEnd
  }

  private func attend(
    _ span: Span, before next: Span?, _ own: UnsafeMutablePointer<Float>,
    _ result: UnsafeMutablePointer<Float>
  ) {
    let (rows, filled) = (problem.rows, layout.filledDepth)
    let context = step.contexts[span.sequence]
    if span.tokens.upperBound > context { store(span, own) }
    gather(span, own)
    loops.keys.ready(
      own + space.gathered, Int32(rows), Int64(problem.headDim),
      Float(problem.scale * 1.442695040888963), own + space.ready)
    (result + space.most).update(repeating: -1e30, count: rows)
    (result + space.sum).update(repeating: 0, count: rows)
    (result + space.sums).update(repeating: 0, count: rows * filled)
    for from in stride(
      from: span.tokens.lowerBound / space.chunk * space.chunk, to: span.tokens.upperBound,
      by: space.chunk)
    {
      let tokens =
        max(from, span.tokens.lowerBound)..<min(from + space.chunk, span.tokens.upperBound)
      for row in stride(from: 0, to: rows, by: Space.tileRows) {
        attend(span, tokens, row..<min(rows, row + Space.tileRows), own, result)
      }
    }
    if let next { fetchKeys(next) }
  }

  /// Asks for a span's first keys, as much as the loops ask for ahead of themselves.
  private func fetchKeys(_ span: Span) {
    if let first = block(span, span.tokens.lowerBound) { hr_fetch_first(first.keys) }
  }

  /// Asks for what a span reads first, while the one before it is computed.
  private func fetch(_ span: Span) {
    let (depth, group) = (problem.headDim, problem.group)
    func fetch(_ floats: UnsafePointer<Float>, _ count: Int) {
      hr_fetch(floats, Int64(count * 4 / Self.lineBytes + 1), Int64(Self.lineBytes))
    }
    let context = step.contexts[span.sequence]
    // Many queries would push out what is there already.
    for token in 0..<min(problem.newTokens, 2) {
      let index = span.sequence * problem.newTokens + token
      fetch(tokens.q + (index * problem.heads + span.head * group) * depth, group * depth)
      guard span.tokens.contains(context + token) else { continue }
      let offset = (index * problem.kvHeads + span.head) * depth
      fetch(tokens.newK + offset, depth)
      fetch(tokens.newV + offset, depth)
      writer.fetch(sequence: span.sequence, head: firstHead + span.head, token: context + token)
    }
  }

  /// A few rows of queries to a chunk of tokens.
  private func attend(
    _ span: Span, _ tokens: Range<Int>, _ rows: Range<Int>, _ own: UnsafeMutablePointer<Float>,
    _ result: UnsafeMutablePointer<Float>
  ) {
    let (width, filled) = (layout.width, layout.filledDepth)
    let row = rows.lowerBound
    var first = SIMD4<Int32>(repeating: 1)
    var last = SIMD4<Int32>(repeating: 0)
    guard limit(span, tokens, rows, &first, &last) else { return }
    let count = (tokens.count + width - 1) / width
    let scores = own + space.scores
    let queryBytes = problem.headDim * Int(loops.keys.query_bytes) / 32
    for index in 0..<count {
      guard let block = block(span, tokens.lowerBound + index * width) else { continue }
      loops.keys.scores(
        block.keys, Int32(width), Int32(min(width, tokens.count - index * width)),
        Int64(problem.headDim),
        UnsafeRawPointer(own + space.ready) + row * queryBytes, Int32(rows.count),
        scores + index * width, Int64(space.chunk))
    }
    withUnsafePointer(to: &first) { first in
      withUnsafePointer(to: &last) { last in
        loops.step.soften(
          scores, Int64(space.chunk), Int64(count * width), Int32(rows.count),
          UnsafeRawPointer(first).assumingMemoryBound(to: Int32.self),
          UnsafeRawPointer(last).assumingMemoryBound(to: Int32.self),
          result + space.most + row, result + space.sum + row,
          result + space.sums + row * filled, Int64(problem.headDim),
          block(span, tokens.lowerBound)?.values)
      }
    }
    for index in 0..<count {
      guard let block = block(span, tokens.lowerBound + index * width) else { continue }
      loops.values.add(
        block.values, Int32(width), Int32(min(width, tokens.count - index * width)),
        Int64(problem.headDim), scores + index * width, Int64(space.chunk), Int32(rows.count),
        result + space.sums + row * filled)
    }
  }

  private func block(_ span: Span, _ token: Int) -> (
    keys: UnsafeMutableRawPointer, values: UnsafeMutableRawPointer
  )? {
    writer.block(sequence: span.sequence, head: firstHead + span.head, token: token)
  }

  /// The first and last token of a chunk that each row sees.
  ///
  /// - Returns: whether any sees any.
  private func limit(
    _ span: Span, _ tokens: Range<Int>, _ rows: Range<Int>, _ first: inout SIMD4<Int32>,
    _ last: inout SIMD4<Int32>
  ) -> Bool {
    let mask = problem.mask.value
    let context = step.contexts[span.sequence]
    var seesAny = false
    for (index, row) in rows.enumerated() {
      let position = context + row / problem.group
      if mask == .blocks,
        !AttentionMask.seesBlock(
          tokens.lowerBound / AttentionMask.blockTokens,
          from: position / AttentionMask.blockTokens)
      {
        continue
      }
      let seen = mask.stretch(from: position, of: context + problem.newTokens)
      first[index] = Int32(max(seen.lowerBound, tokens.lowerBound) - tokens.lowerBound)
      last[index] = Int32(min(seen.upperBound, tokens.upperBound - 1) - tokens.lowerBound)
      if first[index] <= last[index] { seesAny = true }
    }
    return seesAny
  }

  /// Queries of one head of keys, row after row, turned where they are.
  private func gather(_ span: Span, _ own: UnsafeMutablePointer<Float>) {
    let (depth, group) = (problem.headDim, problem.group)
    let context = step.contexts[span.sequence]
    for token in 0..<problem.newTokens {
      let index = span.sequence * problem.newTokens + token
      let from = tokens.q + (index * problem.heads + span.head * group) * depth
      let to = own + space.gathered + token * group * depth
      guard let table else {
        to.update(from: from, count: group * depth)
        continue
      }
      for head in 0..<group {
        table.turn(from + head * depth, at: context + token, to: to + head * depth)
      }
    }
  }

  /// The span's new tokens' keys and values, to their places in the cache.
  private func store(_ span: Span, _ own: UnsafeMutablePointer<Float>) {
    let context = step.contexts[span.sequence]
    for token in 0..<problem.newTokens {
      let position = context + token
      guard span.tokens.contains(position) else { continue }
      let index = span.sequence * problem.newTokens + token
      let offset = (index * problem.kvHeads + span.head) * problem.headDim
      writer.store(
        key: tokens.newK + offset, value: tokens.newV + offset, sequence: span.sequence,
        head: firstHead + span.head, token: position, scratch: own + space.key)
    }
  }

  /// The result of one head of one sequence.
  private func combine(_ unit: Range<Int>) {
    let span = step.division.spans[unit.lowerBound]
    let (depth, group) = (problem.headDim, problem.group)
    let from = sums(of: unit.lowerBound)
    for row in 0..<problem.rows {
      let token = span.sequence * problem.newTokens + row / group
      let head = span.head * group + row % group
      loops.step.combine(
        from + space.sums + row * layout.filledDepth, from + space.most + row,
        from + space.sum + row, Int64(unit.count), Int64(space.spanEnd), Int64(depth),
        tokens.o + (token * problem.heads + head) * depth)
    }
  }
}
