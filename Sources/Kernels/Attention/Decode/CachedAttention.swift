import CMicrokernels
package import Quantities

/// New tokens against a cache: each token of it is read once, for all queries that share its head.
///
/// Heads are too few for many threads, so that tokens are what is divided; stretches of one head are put
/// together at the end.
package final class CachedAttention: ParallelTask {
  /// Where a step's tokens are, in fp32: `q` and `o` are new tokens × heads × head-dim, `newK` and `newV` new
  /// tokens × kv-heads × head-dim, sequence after sequence.
  package struct Tokens {
    package let q: UnsafeMutablePointer<Float>
    package let newK: UnsafeMutablePointer<Float>
    package let newV: UnsafeMutablePointer<Float>
    package let o: UnsafeMutablePointer<Float>

    /// Keeps the pointers alone: whoever owns the memory must outlive the kernel.
    package init(
      q: UnsafeMutablePointer<Float>, newK: UnsafeMutablePointer<Float>,
      newV: UnsafeMutablePointer<Float>, o: UnsafeMutablePointer<Float>
    ) {
      self.q = q
      self.newK = newK
      self.newV = newV
      self.o = o
    }
  }

  /// How many tokens sequences have before a step, and who does what of it.
  package struct Step {
    fileprivate let contexts: [Int]
    fileprivate let division: Division

    /// Divides the tokens of a step among threads, by whole blocks of the layout. It allocates, so that a run
    /// does not.
    package init(_ operation: AttentionDecode, _ layout: CacheLayout, threads: Int) {
      contexts = operation.contexts
      division = Division(operation, width: layout.width, threads: threads)
    }
  }

  private let operation: AttentionDecode
  private let layout: CacheLayout
  private let writer: CacheWriter
  private let keyLoops: hr_cache_keys
  private let valueLoops: hr_cache_values
  private let loops: hr_decode_loops
  private let pool: ThreadPool
  private let space: Space
  private let workspace: Allocation
  private let table: RotaryTable?
  private let tokens: Tokens
  package var step: Step
  /// The first of the cache's heads that are meant: a cache may hold those of all layers.
  package var firstHead = 0
  private var phase = Phase.attend

  private static let lineBytes = 64
  /// Of so many a block's keys take one line for each number of a head, whatever their type, or less.
  private static let lineTokens = 16

  private enum Phase {
    case attend
    case combine
  }

  /// Takes workspace for any step of this shape.
  ///
  /// - Parameters:
  ///   - operation: the first step; those that follow differ in the contexts alone.
  ///   - sequences: of the cache, in the order of the contexts; all of their places are reserved.
  ///   - table: of all positions that new tokens will have; nil where nothing is rotated.
  /// - Throws: `LedgerFault` where the workspace does not fit; `CacheFault.noSequence`.
  package init(
    _ operation: AttentionDecode, cache: KVCache, sequences: [Int], tokens: Tokens,
    table: RotaryTable?, _ execution: Execution
  ) throws {
    let instructions = operation.instructions
    self.operation = operation
    self.tokens = tokens
    self.table = table
    layout = cache.layout
    pool = execution.pool
    keyLoops = instructions.cacheKeys(layout.keys)
    valueLoops = instructions.cacheValues(layout.values)
    loops = instructions.decode()
    writer = try CacheWriter(
      cache: cache, sequences: sequences, instructions: instructions, table: table)
    space = Space(operation, layout)
    step = Step(operation, layout, threads: pool.threads)
    workspace = try execution.ledger.allocate(
      space.bytes(of: operation, threads: pool.threads), role: .workspace)
  }

  /// Bytes of the workspace for any step of this shape on so many threads.
  package static func workspaceBytes(
    _ operation: AttentionDecode, _ layout: CacheLayout, threads: Int
  ) -> Bytes {
    Space(operation, layout).bytes(of: operation, threads: threads)
  }

  /// The same with another cache and other tokens.
  init(_ other: CachedAttention, cache: KVCache, sequences: [Int], tokens: Tokens) throws {
    (operation, layout, pool, space) = (other.operation, other.layout, other.pool, other.space)
    (keyLoops, valueLoops, loops) = (other.keyLoops, other.valueLoops, other.loops)
    (workspace, table, step, firstHead) = (
      other.workspace, other.table, other.step, other.firstHead
    )
    self.tokens = tokens
    writer = try CacheWriter(
      cache: cache, sequences: sequences, instructions: operation.instructions, table: table)
  }

  /// Stores the new tokens' keys and values, and attends to the context and to them.
  package func run() {
    phase = .attend
    pool.run(self)
    guard step.division.isSplit else { return }
    phase = .combine
    pool.run(self)
  }

  package func run(part: Int, of parts: Int) {
    if phase == .combine {
      for unit in split(step.division.units.count, part: part, of: parts) {
        combine(step.division.units[unit])
      }
      return
    }
    let own = floats + part * space.threadEnd
    let indices = step.division.byThread[part]
    if let first = indices.first {
      prefetchKeys(step.division.spans[first])
      prefetch(step.division.spans[first])
    }
    for index in indices {
      let next = index + 1 < indices.upperBound ? step.division.spans[index + 1] : nil
      if let next { prefetch(next) }
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
    let (rows, paddedHeadDim) = (operation.rows, layout.paddedHeadDim)
    let context = step.contexts[span.sequence]
    if span.tokens.upperBound > context { store(span, own) }
    gather(span, own)
    keyLoops.pack_queries(
      own + space.queries, Int32(rows), Int64(operation.headDim),
      Float(operation.scale * 1.442695040888963), own + space.packedQueries)
    (result + space.maxima).update(repeating: -1e30, count: rows)
    (result + space.sum).update(repeating: 0, count: rows)
    (result + space.sums).update(repeating: 0, count: rows * paddedHeadDim)
    var tokens = chunk(from: span.tokens.lowerBound, of: span)
    while !tokens.isEmpty {
      let following = chunk(from: tokens.upperBound, of: span)
      let after =
        following.isEmpty
        ? next.flatMap { keys($0, $0.tokens.lowerBound) } : keys(span, following.lowerBound)
      for index in 0..<(rows + Space.tileRows - 1) / Space.tileRows {
        let tile = Matmul.Blocking.tile(index, of: rows, tileRows: Space.tileRows)
        attend(span, tokens, before: after, tile, own, result)
      }
      tokens = following
    }
  }

  /// What is attended to at once: up to the next whole chunk, and a short rest with it.
  private func chunk(from: Int, of span: Span) -> Range<Int> {
    let whole = (from / space.chunk + 1) * space.chunk
    let rest = span.tokens.upperBound - whole
    return from..<(rest <= space.rest ? span.tokens.upperBound : whole)
  }

  /// Prefetches a span's first keys, as much as the loops do ahead of themselves.
  private func prefetchKeys(_ span: Span) {
    if let first = keys(span, span.tokens.lowerBound) { hr_prefetch_first(first) }
  }

  /// Prefetches what a span reads first, while the one before it is computed.
  private func prefetch(_ span: Span) {
    let (headDim, group) = (operation.headDim, operation.group)
    func prefetch(_ floats: UnsafePointer<Float>, _ count: Int) {
      hr_prefetch(floats, Int64(count * 4 / Self.lineBytes + 1), Int64(Self.lineBytes))
    }
    let context = step.contexts[span.sequence]
    // Many queries would push out what is there already.
    for token in 0..<min(operation.newTokens, 2) {
      let index = span.sequence * operation.newTokens + token
      prefetch(tokens.q + (index * operation.heads + span.head * group) * headDim, group * headDim)
      guard span.tokens.contains(context + token) else { continue }
      let offset = (index * operation.kvHeads + span.head) * headDim
      prefetch(tokens.newK + offset, headDim)
      prefetch(tokens.newV + offset, headDim)
      writer.prefetch(sequence: span.sequence, head: firstHead + span.head, token: context + token)
    }
  }

  /// A few rows of queries to a chunk of tokens; `next` is what is read after it.
  private func attend(
    _ span: Span, _ tokens: Range<Int>, before next: UnsafeRawPointer?, _ rows: Range<Int>,
    _ own: UnsafeMutablePointer<Float>, _ result: UnsafeMutablePointer<Float>
  ) {
    let (width, paddedHeadDim) = (layout.width, layout.paddedHeadDim)
    let row = rows.lowerBound
    var first = SIMD8<Int32>(repeating: 1)
    var last = SIMD8<Int32>(repeating: 0)
    guard limit(span, tokens, rows, &first, &last) else { return }
    let count = (tokens.count + width - 1) / width
    let scores = own + space.scores
    let headDim = Int64(operation.headDim)
    let queries =
      UnsafeRawPointer(own + space.packedQueries) + row * operation.headDim
      * Int(keyLoops.query_bytes) / 32
    let firstValues = values(span, tokens.lowerBound)
    forEachBlock(
      span, tokens, of: layout.keyBlockBytes, at: keys, before: firstValues
    ) { block, index, held, run in
      keyLoops.scores(
        block, Int32(width), held, headDim, queries, Int32(rows.count), scores + index * width,
        Int64(space.scoreStride), run)
    }
    // The keys' loops have prefetched the first values, as far as they look ahead.
    let isLong = count * layout.valueBlockBytes >= 2 * Int(HR_AHEAD)
    withUnsafePointer(to: &first) { first in
      withUnsafePointer(to: &last) { last in
        loops.softmax(
          scores, Int64(space.scoreStride), Int64(count * width), Int32(rows.count),
          UnsafeRawPointer(first).assumingMemoryBound(to: Int32.self),
          UnsafeRawPointer(last).assumingMemoryBound(to: Int32.self),
          result + space.maxima + row, result + space.sum + row,
          result + space.sums + row * paddedHeadDim, headDim,
          isLong ? firstValues.map { $0 + Int(HR_AHEAD) } : nil)
      }
    }
    forEachBlock(
      span, tokens, of: layout.valueBlockBytes, at: values, before: next
    ) { block, index, held, run in
      valueLoops.add(
        block, Int32(width), held, headDim, scores + index * width, Int64(space.scoreStride),
        Int32(rows.count), result + space.sums + row * paddedHeadDim, run)
    }
  }

  /// The blocks of a chunk that are kept, each with its place among them, the tokens it holds, and the
  /// run that it is of: blocks of a page lie one after the other, and then come those of the page
  /// after it, or what is `next`.
  ///
  /// A last block of few tokens, a line for each number of a head, is of none, or the whole of it would be
  /// prefetched: at 512 tokens and a new one that is a tenth of all there is to read.
  @inline(__always)
  private func forEachBlock(
    _ span: Span, _ tokens: Range<Int>, of bytes: Int,
    at place: (Span, Int) -> UnsafeRawPointer?, before next: UnsafeRawPointer?,
    _ body: (UnsafeRawPointer, Int, Int32, UnsafePointer<hr_run>?) -> Void
  ) {
    let (width, pageTokens) = (layout.width, layout.pageTokens)
    let rest = tokens.upperBound % width
    let readUpTo = rest > Self.lineTokens ? tokens.upperBound : tokens.upperBound - rest
    var from = tokens.lowerBound
    while from < tokens.upperBound {
      let end = min(tokens.upperBound, (from / pageTokens + 1) * pageTokens)
      if let start = place(span, from) {
        let count = (end - from + width - 1) / width
        let whole = (min(end, readUpTo) - from + width - 1) / width
        let runEnd = start + whole * bytes
        let after = end < readUpTo ? place(span, end) : next
        // Where nothing follows, lines that are there are prefetched.
        var run = hr_run(
          end: runEnd, onward: Int64(after.map { $0 - runEnd } ?? -Int(HR_AHEAD)))
        withUnsafePointer(to: &run) { run in
          for index in 0..<count {
            body(
              start + index * bytes, (from - tokens.lowerBound) / width + index,
              Int32(min(width, end - from - index * width)), index < whole ? run : nil)
          }
        }
      }
      from = end
    }
  }

  private func keys(_ span: Span, _ token: Int) -> UnsafeRawPointer? {
    writer.block(sequence: span.sequence, head: firstHead + span.head, token: token)
      .map { UnsafeRawPointer($0.keys) }
  }
  private func values(_ span: Span, _ token: Int) -> UnsafeRawPointer? {
    writer.block(sequence: span.sequence, head: firstHead + span.head, token: token)
      .map { UnsafeRawPointer($0.values) }
  }

  /// The first and last token of a chunk that each row sees.
  ///
  /// - Returns: whether any sees any.
  private func limit(
    _ span: Span, _ tokens: Range<Int>, _ rows: Range<Int>, _ first: inout SIMD8<Int32>,
    _ last: inout SIMD8<Int32>
  ) -> Bool {
    let mask = operation.mask
    let context = step.contexts[span.sequence]
    var seesAny = false
    for (index, row) in rows.enumerated() {
      let position = context + row / operation.group
      if mask == .blocks,
        !AttentionMask.seesBlock(
          tokens.lowerBound / AttentionMask.blockTokens,
          from: position / AttentionMask.blockTokens)
      {
        continue
      }
      let seen = mask.stretch(from: position, of: context + operation.newTokens)
      first[index] = Int32(max(seen.lowerBound, tokens.lowerBound) - tokens.lowerBound)
      last[index] = Int32(min(seen.upperBound, tokens.upperBound - 1) - tokens.lowerBound)
      if first[index] <= last[index] { seesAny = true }
    }
    return seesAny
  }

  /// Queries of one head of keys, row after row, rotated on the way.
  private func gather(_ span: Span, _ own: UnsafeMutablePointer<Float>) {
    let (headDim, group) = (operation.headDim, operation.group)
    let context = step.contexts[span.sequence]
    for token in 0..<operation.newTokens {
      let index = span.sequence * operation.newTokens + token
      let from = tokens.q + (index * operation.heads + span.head * group) * headDim
      let to = own + space.queries + token * group * headDim
      guard let table else {
        to.update(from: from, count: group * headDim)
        continue
      }
      for head in 0..<group {
        table.rotate(from + head * headDim, at: context + token, to: to + head * headDim)
      }
    }
  }

  /// The span's new tokens' keys and values, to their places in the cache.
  private func store(_ span: Span, _ own: UnsafeMutablePointer<Float>) {
    let context = step.contexts[span.sequence]
    for token in 0..<operation.newTokens {
      let position = context + token
      guard span.tokens.contains(position) else { continue }
      let index = span.sequence * operation.newTokens + token
      let offset = (index * operation.kvHeads + span.head) * operation.headDim
      writer.store(
        key: tokens.newK + offset, value: tokens.newV + offset, sequence: span.sequence,
        head: firstHead + span.head, token: position, scratch: own + space.key)
    }
  }

  /// The result of one head of one sequence.
  private func combine(_ unit: Range<Int>) {
    let span = step.division.spans[unit.lowerBound]
    let (headDim, group) = (operation.headDim, operation.group)
    let from = sums(of: unit.lowerBound)
    for row in 0..<operation.rows {
      let token = span.sequence * operation.newTokens + row / group
      let head = span.head * group + row % group
      loops.combine(
        from + space.sums + row * layout.paddedHeadDim, from + space.maxima + row,
        from + space.sum + row, Int64(unit.count), Int64(space.spanEnd), Int64(headDim),
        tokens.o + (token * operation.heads + head) * headDim)
    }
  }
}
