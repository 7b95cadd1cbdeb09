import CMicrokernels
package import Quantities

/// The way back through attention, from its output and the logarithms of its sums: scores are computed again,
/// a block at a time, and nothing of tokens × tokens is held.
///
///     p = softmax(q · kᵀ / √head-dim),  dv = pᵀ · do,  dp = do · vᵀ
///     ds = p ∘ (dp − Σ do ∘ o),  dq = ds · k / √head-dim,  dk = dsᵀ · q / √head-dim
///
/// - Shapes: those of `AttentionPrefill`; `do` and the gradients in fp32. A thread has a head of keys of
///   one sequence to itself: what the heads that share it add up is added in one order, and the bits do not
///   depend on the threads.
/// - Work: 10·head-dim flops for each pair of a query and a key that it sees, of which 2 are the score again;
///   reads `q`, `k`, `v`, `o` and `do` once, writes their gradients once.
/// - Error: that of the score and of its exponential, and of sums of as many terms as keys, or queries.
/// - Source: Dao et al., "FlashAttention" (2022), algorithm 4.
package final class AttentionBackward: ParallelTask {
  private let shape: AttentionPrefill
  private let typed: hr_gemm_kernels
  private let floats: hr_gemm_kernels
  private let loops: hr_training_loops
  private let cutting: Cutting
  private let workspace: Allocation
  private let pool: ThreadPool
  private var operands: Operands?

  /// What a call reads and writes, in the shapes that the operation says.
  package struct Operands {
    let q: UnsafeRawPointer
    let k: UnsafeRawPointer
    let v: UnsafeRawPointer
    let o: UnsafeRawPointer
    let gradient: UnsafePointer<Float>
    let logSums: UnsafePointer<Float>
    let dq: UnsafeMutablePointer<Float>
    let dk: UnsafeMutablePointer<Float>
    let dv: UnsafeMutablePointer<Float>

    /// - Parameters:
    ///   - o: the output, in the operation's precision.
    ///   - gradient: that of `o`.
    ///   - logSums: as `AttentionPrefill.Tensors` have them.
    package init(
      q: UnsafeRawPointer, k: UnsafeRawPointer, v: UnsafeRawPointer, o: UnsafeRawPointer,
      gradient: UnsafePointer<Float>, logSums: UnsafePointer<Float>,
      dq: UnsafeMutablePointer<Float>, dk: UnsafeMutablePointer<Float>,
      dv: UnsafeMutablePointer<Float>
    ) {
      (self.q, self.k, self.v, self.o) = (q, k, v, o)
      (self.gradient, self.logSums) = (gradient, logSums)
      (self.dq, self.dk, self.dv) = (dq, dk, dv)
    }
  }

  /// - Throws: `LedgerFault` where the workspace does not fit.
  package init(_ shape: AttentionPrefill, _ execution: Execution) throws {
    self.shape = shape
    let stored = Gemm.Element.stored(shape.precision)
    // Rows and panels go to the same products, whatever they were stored as.
    typed = shape.instructions.widened.gemm(stored, stored)
    floats = shape.instructions.widened.gemm(.stored(.fp32), .stored(.fp32))
    loops = shape.instructions.training(shape.precision)
    cutting = Cutting(shape, floats)
    pool = execution.pool
    workspace = try execution.ledger.allocate(
      cutting.bytes(threads: execution.threads), role: .workspace)
  }

  /// Bytes of the workspace on so many threads.
  package static func workspaceBytes(_ shape: AttentionPrefill, threads: Int) -> Bytes {
    Cutting(shape, shape.instructions.widened.gemm(.stored(.fp32), .stored(.fp32)))
      .bytes(threads: threads)
  }

  /// Other sequences of the same heads, no longer than these; both share a workspace.
  package init(_ other: AttentionBackward, _ shape: AttentionPrefill) {
    self.shape = shape
    (typed, floats, loops) = (other.typed, other.floats, other.loops)
    (cutting, workspace, pool) = (other.cutting, other.workspace, other.pool)
  }

  package func run(_ operands: Operands) {
    self.operands = operands
    let tasks = shape.batch * shape.kvHeads
    if tasks == 1 { run(part: 0, of: 1) } else { pool.run(self) }
    self.operands = nil
  }

  package func run(part: Int, of parts: Int) {
    guard let operands else { return }
    let space = workspace.start.assumingMemoryBound(to: Float.self) + part * cutting.floats
    for task in split(shape.batch * shape.kvHeads, part: part, of: parts) {
      let head = KeyHead(
        shape: shape, cutting: cutting, typed: typed, floats: floats, loops: loops,
        operands: operands, batch: task / shape.kvHeads, kvHead: task % shape.kvHeads, space: space
      )
      head.run()
    }
  }

  /// One head of keys of one sequence, with the heads of queries that share it.
  private struct KeyHead {
    let shape: AttentionPrefill
    let cutting: Cutting
    let typed: hr_gemm_kernels
    let floats: hr_gemm_kernels
    let loops: hr_training_loops
    let operands: Operands
    let batch: Int
    let kvHead: Int
    let space: UnsafeMutablePointer<Float>

    private var headDim: Int { shape.headDim }
    private var columns: Int { cutting.columns }
    private var keyStride: Int { shape.kvHeads * headDim }
    private var queryStride: Int { shape.heads * headDim }

    func run() {
      for start in stride(from: 0, to: shape.tokens, by: cutting.keys) {
        let keys = start..<min(shape.tokens, start + cutting.keys)
        pack(keys)
        (space + cutting.keySums).update(repeating: 0, count: headDim * cutting.keys)
        (space + cutting.valueSums).update(repeating: 0, count: headDim * cutting.keys)
        for member in 0..<shape.group {
          let head = kvHead * shape.group + member
          for first in stride(from: 0, to: shape.tokens, by: cutting.queries) {
            let queries = first..<min(shape.tokens, first + cutting.queries)
            add(queries, of: head, keys)
          }
        }
        store(keys)
      }
    }

    private func place(key: Int) -> Int {
      ((batch * shape.tokens + key) * shape.kvHeads + kvHead) * headDim
    }
    private func place(query: Int, _ head: Int) -> Int {
      ((batch * shape.tokens + query) * shape.heads + head) * headDim
    }
    private func at(_ start: UnsafeRawPointer, _ index: Int) -> UnsafeRawPointer {
      start + shape.precision.bytes(of: index).count
    }

    /// Keys and values as panels of columns, and keys as rows of their transposed.
    private func pack(_ keys: Range<Int>) {
      for from in stride(from: 0, to: keys.count, by: columns) {
        let (index, count) = (place(key: keys.lowerBound + from), min(columns, keys.count - from))
        typed.pack_b_rows(
          at(operands.k, index), Int64(keyStride), space + cutting.keyPanels + from * headDim,
          Int64(headDim), Int32(count))
        typed.pack_b_rows(
          at(operands.v, index), Int64(keyStride), space + cutting.valuePanels + from * headDim,
          Int64(headDim), Int32(count))
      }
      packColumns(
        at(operands.k, place(key: keys.lowerBound)), keyStride, keys.count,
        space + cutting.keyRows, typed.pack_a_columns)
    }

    private typealias Pack =
      @convention(c) (
        UnsafeRawPointer?, Int64, UnsafeMutablePointer<Float>?, Int64, Int32
      ) -> Void

    /// Rows of head-dim become tiles of the transposed, each whole before the next.
    private func packColumns(
      _ from: UnsafeRawPointer, _ stride: Int, _ count: Int, _ to: UnsafeMutablePointer<Float>,
      _ pack: Pack?, isTyped: Bool = true
    ) {
      for tile in tiles(of: headDim) {
        let bytes =
          isTyped ? shape.precision.bytes(of: tile.lowerBound).count : 4 * tile.lowerBound
        pack?(
          from + bytes, Int64(stride), to + tile.lowerBound * count, Int64(count),
          Int32(tile.count))
      }
    }

    private func tiles(of rows: Int) -> [Range<Int>] {
      let count = (rows + cutting.tileRows - 1) / cutting.tileRows
      return (0..<count).map {
        Matmul.Blocking.tile($0, of: rows, tileRows: cutting.tileRows)
      }
    }

    /// What a block of queries of one head adds to the gradients of a block of keys, and these to its own.
    private func add(_ queries: Range<Int>, of head: Int, _ keys: Range<Int>) {
      guard let panels = panels(of: keys, seenFrom: queries) else { return }
      pack(queries, of: head)
      let tiles = tiles(of: queries.count)
      for panel in panels { score(panel, queries, keys, tiles) }
      for panel in panels { addToKeys(panel, queries, keys) }
      for from in stride(from: queries.lowerBound, to: queries.upperBound, by: columns) {
        addToQueries(
          from..<min(queries.upperBound, from + columns), of: queries, head, keys)
      }
    }

    /// The panels of a block of keys that some of these queries see.
    private func panels(of keys: Range<Int>, seenFrom queries: Range<Int>) -> Range<Int>? {
      let first = shape.mask.stretch(from: queries.lowerBound, of: shape.tokens).lowerBound
      let last = shape.mask.stretch(from: queries.upperBound - 1, of: shape.tokens).upperBound
      let (low, high) = (max(first, keys.lowerBound), min(last, keys.upperBound - 1))
      guard low <= high else { return nil }
      return (low - keys.lowerBound) / columns..<(high - keys.lowerBound) / columns + 1
    }

    private func pack(_ queries: Range<Int>, of head: Int) {
      let index = place(query: queries.lowerBound, head)
      let (q, gradient) = (at(operands.q, index), operands.gradient + index)
      for tile in tiles(of: queries.count) {
        let first = tile.lowerBound * queryStride
        typed.pack_a_rows(
          at(q, first), Int64(queryStride), space + cutting.queryRows + tile.lowerBound * headDim,
          Int64(headDim), Int32(tile.count))
        floats.pack_a_rows(
          gradient + first, Int64(queryStride),
          space + cutting.gradientRows + tile.lowerBound * headDim, Int64(headDim),
          Int32(tile.count))
      }
      packColumns(
        q, queryStride, queries.count, space + cutting.queryColumns, typed.pack_a_columns)
      packColumns(
        gradient, queryStride, queries.count, space + cutting.gradientColumns,
        floats.pack_a_columns, isTyped: false)
      let logSums =
        operands.logSums + (batch * shape.kvHeads + kvHead) * shape.tokens * shape.group
        + head % shape.group
      for (offset, query) in queries.enumerated() {
        let at = offset * queryStride
        space[cutting.deltas + offset] = loops.dot(
          self.at(operands.o, index + at), gradient + at, Int64(headDim))
        space[cutting.sums + offset] = logSums[query * shape.group]
      }
    }

    /// Whole panels of scores, and of the gradients of their exponentials, as far as any query sees them.
    private func score(
      _ panel: Int, _ queries: Range<Int>, _ keys: Range<Int>, _ tiles: [Range<Int>]
    ) {
      let first = keys.lowerBound + panel * columns
      let count = min(columns, keys.upperBound - first)
      let scores = space + cutting.scores + panel * columns * cutting.queries
      let slopes = space + cutting.slopes + panel * columns * cutting.queries
      let offset = panel * columns * headDim
      for tile in tiles
      where sees(queries.lowerBound + tile.upperBound - 1, first..<first + count)
        || sees(queries.lowerBound + tile.lowerBound, first..<first + count)
      {
        let row = tile.lowerBound
        floats.multiply(
          space + cutting.queryRows + row * headDim, space + cutting.keyPanels + offset,
          scores + row * columns, Int64(columns), Int64(headDim), Int32(tile.count),
          Int32(columns), 0, 0)
        floats.multiply(
          space + cutting.gradientRows + row * headDim, space + cutting.valuePanels + offset,
          slopes + row * columns, Int64(columns), Int64(headDim), Int32(tile.count),
          Int32(columns), 0, 0)
      }
      differentiate(queries, first..<first + count, scores, slopes)
    }

    private func sees(_ query: Int, _ keys: Range<Int>) -> Bool {
      let stretch = shape.mask.stretch(from: query, of: shape.tokens)
      return stretch.lowerBound < keys.upperBound && stretch.upperBound >= keys.lowerBound
    }

    /// Scores become weights, and slopes the scores' gradients; 0 where a query does not see a key.
    private func differentiate(
      _ queries: Range<Int>, _ keys: Range<Int>, _ scores: UnsafeMutablePointer<Float>,
      _ slopes: UnsafeMutablePointer<Float>
    ) {
      let limits = UnsafeMutableRawPointer(space + cutting.limits)
        .assumingMemoryBound(to: Int32.self)
      let ends = limits + cutting.queries
      for (offset, query) in queries.enumerated() {
        let stretch = shape.mask.stretch(from: query, of: shape.tokens)
        let low = max(stretch.lowerBound, keys.lowerBound) - keys.lowerBound
        let high = min(stretch.upperBound + 1, keys.upperBound) - keys.lowerBound
        (limits[offset], ends[offset]) = high > low ? (Int32(low), Int32(high)) : (0, 0)
      }
      loops.attention_backward(
        scores, slopes, Int64(queries.count), Int64(columns), Int64(columns),
        Float(shape.scale * 1.442695040888963), space + cutting.sums, space + cutting.deltas,
        limits, ends)
      guard shape.mask == .blocks else { return }
      for (offset, query) in queries.enumerated() {
        for (column, key) in keys.enumerated() where !shape.mask.sees(key: key, from: query) {
          scores[offset * columns + column] = 0
          slopes[offset * columns + column] = 0
        }
      }
    }

    private func addToKeys(_ panel: Int, _ queries: Range<Int>, _ keys: Range<Int>) {
      let first = keys.lowerBound + panel * columns
      let seeing = rows(of: queries, seeing: first..<min(keys.upperBound, first + columns))
      let offset = (panel * cutting.queries + seeing.lowerBound) * columns
      for tile in tiles(of: headDim) {
        let at = tile.lowerBound * queries.count + seeing.lowerBound * tile.count
        let to = panel * columns * headDim + tile.lowerBound * columns
        floats.multiply(
          space + cutting.gradientColumns + at, space + cutting.scores + offset,
          space + cutting.valueSums + to, Int64(columns), Int64(seeing.count),
          Int32(tile.count), Int32(columns), 1, 0)
        floats.multiply(
          space + cutting.queryColumns + at, space + cutting.slopes + offset,
          space + cutting.keySums + to, Int64(columns), Int64(seeing.count), Int32(tile.count),
          Int32(columns), 1, 0)
      }
    }

    /// The rows of a block of queries from the first to the last that see some of these keys.
    private func rows(of queries: Range<Int>, seeing keys: Range<Int>) -> Range<Int> {
      let first = queries.first { sees($0, keys) } ?? queries.lowerBound
      let last = queries.last { sees($0, keys) } ?? first
      return first - queries.lowerBound..<last - queries.lowerBound + 1
    }

    /// A panel of queries gets what the keys that it sees add to its gradient.
    private func addToQueries(
      _ panel: Range<Int>, of queries: Range<Int>, _ head: Int, _ keys: Range<Int>
    ) {
      guard let panels = panels(of: keys, seenFrom: panel) else { return }
      let count = min(keys.count, panels.upperBound * columns) - panels.lowerBound * columns
      let from = panel.lowerBound - queries.lowerBound
      for index in panels {
        let slopes = space + cutting.slopes + index * columns * cutting.queries
        floats.pack_b_rows(
          slopes + from * columns, Int64(columns),
          space + cutting.turned + (index - panels.lowerBound) * columns * columns,
          Int64(columns), Int32(panel.count))
      }
      for tile in tiles(of: headDim) {
        let rows =
          space + cutting.keyRows + tile.lowerBound * keys.count
          + panels.lowerBound * columns * tile.count
        floats.multiply(
          rows, space + cutting.turned, space + cutting.querySums + tile.lowerBound * columns,
          Int64(columns), Int64(count), Int32(tile.count), Int32(columns), 0, 0)
      }
      loops.store_columns(
        space + cutting.querySums, Int64(columns), Int64(headDim), Int64(panel.count),
        Float(shape.scale), isFirst(panel, keys) ? 0 : 1,
        operands.dq + place(query: panel.lowerBound, head), Int64(queryStride))
    }

    /// Whether no block of keys before had any that these queries see.
    private func isFirst(_ queries: Range<Int>, _ keys: Range<Int>) -> Bool {
      let first = shape.mask.stretch(from: queries.lowerBound, of: shape.tokens).lowerBound
      return max(first, 0) >= keys.lowerBound
    }

    private func store(_ keys: Range<Int>) {
      for from in stride(from: 0, to: keys.count, by: columns) {
        let count = min(columns, keys.count - from)
        let index = place(key: keys.lowerBound + from)
        loops.store_columns(
          space + cutting.keySums + from * headDim, Int64(columns), Int64(headDim), Int64(count),
          Float(shape.scale), 0, operands.dk + index, Int64(keyStride))
        loops.store_columns(
          space + cutting.valueSums + from * headDim, Int64(columns), Int64(headDim),
          Int64(count), 1, 0, operands.dv + index, Int64(keyStride))
      }
    }
  }
}
