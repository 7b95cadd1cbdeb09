import CMicrokernels
import Quantities

extension CachedAttention {
  /// A stretch of one sequence's tokens that a thread attends to, with all queries of one head of keys.
  struct Span: Hashable {
    let sequence: Int
    let head: Int
    /// Whole blocks from the first that is seen; the last ones are the new.
    let tokens: Range<Int>
  }

  /// How a step is cut: each thread takes as many tokens as another, whosever they are.
  struct Division {
    /// Of all threads, in order: those of one head of one sequence are neighbours.
    let spans: [Span]
    let byThread: [Range<Int>]
    /// The spans of each head of each sequence.
    let units: [Range<Int>]

    var isSplit: Bool { spans.count > units.count }

    init(_ operation: AttentionDecode, width: Int, threads: Int) {
      /// What a unit sees, by whole blocks.
      let seen = operation.contexts.map { context -> Range<Int> in
        let total = context + operation.newTokens
        let first = operation.mask.stretch(from: context, of: total).lowerBound
        return first / width * width..<total
      }
      let blocks = seen.map { ($0.count + width - 1) / width }
      let whole = blocks.reduce(0, +) * operation.kvHeads
      var spans: [Span] = []
      var units: [Range<Int>] = []
      var byThread: [Range<Int>] = []
      var (thread, before, start) = (0, 0, 0)
      for sequence in 0..<operation.batch {
        for head in 0..<operation.kvHeads {
          let first = spans.count
          var from = 0
          while from < blocks[sequence] {
            // Where this thread's share ends.
            let end = whole * (thread + 1) / threads
            let count = min(blocks[sequence] - from, max(0, end - before))
            if count == 0 {
              byThread.append(start..<spans.count)
              start = spans.count
              thread += 1
              continue
            }
            let low = seen[sequence].lowerBound + from * width
            spans.append(
              Span(
                sequence: sequence, head: head,
                tokens: low..<min(seen[sequence].upperBound, low + count * width)))
            from += count
            before += count
          }
          units.append(first..<spans.count)
        }
      }
      byThread.append(start..<spans.count)
      while byThread.count < threads { byThread.append(spans.count..<spans.count) }
      (self.spans, self.units, self.byThread) = (spans, units, byThread)
    }
  }

  /// Workspace, in floats: a thread's own, and what a span's tokens sum up to.
  struct Space {
    /// Tokens whose scores stand beside one another …
    let chunk: Int
    /// … and as many more as may be left after them.
    let rest: Int
    private let rows: Int
    private let headDim: Int
    private let paddedHeadDim: Int

    init(_ operation: AttentionDecode, _ layout: CacheLayout) {
      let isInBlocks = operation.mask == .blocks
      chunk = isInBlocks ? AttentionMask.blockTokens : 512
      rest = isInBlocks ? 0 : layout.width
      rows = operation.rows
      headDim = operation.headDim
      paddedHeadDim = layout.paddedHeadDim
    }

    /// Up to so many rows of queries go side by side.
    static let tileRows = Int(HR_CACHE_ROWS)

    private static func line(_ floats: Int) -> Int { roundUp(floats, to: 16) }
    // A thread's.
    var queries: Int { 0 }
    /// 32 queries in 8 bits take 40 bytes: no more than as they are.
    var packedQueries: Int { queries + Self.line(rows * headDim) }
    var scores: Int { packedQueries + Self.line(rows * headDim) }
    var scoreStride: Int { chunk + rest }
    var key: Int { scores + Self.tileRows * scoreStride }
    var threadEnd: Int { key + Self.line(headDim) }
    // A span's.
    var maxima: Int { 0 }
    var sum: Int { Self.line(rows) }
    var sums: Int { 2 * Self.line(rows) }
    var spanEnd: Int { sums + rows * paddedHeadDim }

    func bytes(of operation: AttentionDecode, threads: Int) -> Bytes {
      // A boundary between two threads cuts one head's tokens at most.
      let spans = operation.batch * operation.kvHeads + threads - 1
      return Bytes(4 * (threads * threadEnd + spans * spanEnd))
    }
  }
}
