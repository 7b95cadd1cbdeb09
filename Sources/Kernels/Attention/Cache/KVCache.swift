package import Quantities

/// Keys and values of tokens that were seen, for sequences that grow a token at a time.
///
/// Memory is pages, taken as sequences grow. Sequences that begin alike share theirs, by counts of
/// references; the first to write to one that is shared writes to a copy. A contiguous cache is one
/// whose pages are as long as a sequence may become.
///
/// - Source: Kwon et al., "Efficient Memory Management for Large Language Model Serving with
///   PagedAttention" (2023).
package final class KVCache {
  package let layout: CacheLayout
  private let keys: Allocation
  private let values: Allocation
  /// Sequences that hold each page.
  private var references: [Int]
  private var free: [Int]
  private var sequences: [Int: SequencePages] = [:]
  private var next = 0

  private struct SequencePages {
    /// By place in the sequence; nil where evicted.
    var pages: [Int?] = []
    var tokens = 0
    /// The first that is not evicted.
    var first = 0
  }

  /// Takes the memory of all pages at once; no sequence has any of them yet.
  ///
  /// - Throws: `LedgerFault` where its pages do not fit.
  package init(layout: CacheLayout, pages: Int, in ledger: MemoryLedger) throws {
    self.layout = layout
    keys = try ledger.allocate(layout.keyBytes(pages: pages), role: .kvCache)
    values = try ledger.allocate(layout.valueBytes(pages: pages), role: .kvCache)
    references = Array(repeating: 0, count: pages)
    // The first page is taken first.
    free = (0..<pages).reversed()
  }

  private init(_ other: KVCache, keys: Allocation, values: Allocation) {
    layout = other.layout
    (references, free, sequences, next) = (
      other.references, other.free, other.sequences, other.next
    )
    self.keys = keys
    self.values = values
  }

  /// The same keys and values elsewhere in memory, with the same sequences.
  ///
  /// - Throws: `LedgerFault` where the copy does not fit.
  package func copy(in ledger: MemoryLedger) throws -> KVCache {
    KVCache(
      self, keys: try ledger.copy(of: keys, role: .kvCache),
      values: try ledger.copy(of: values, role: .kvCache))
  }

  // MARK: Sequences

  /// Adds an empty sequence.
  ///
  /// - Returns: its number, which no other sequence of this cache ever has.
  package func addSequence() -> Int {
    sequences[next] = SequencePages()
    next += 1
    return next - 1
  }

  /// Adds a sequence that begins as another: nothing is copied until either writes to a page that both have.
  ///
  /// - Throws: `CacheFault.noSequence`.
  package func fork(_ sequence: Int) throws -> Int {
    let held = try held(sequence)
    for case .some(let page) in held.pages { references[page] += 1 }
    sequences[next] = held
    next += 1
    return next - 1
  }

  /// Forgets a sequence, and gives back its pages unless others share them.
  ///
  /// - Throws: `CacheFault.noSequence`.
  package func remove(_ sequence: Int) throws {
    for case .some(let page) in try held(sequence).pages { release(page) }
    sequences[sequence] = nil
  }

  /// Gives back the pages that have only tokens before one: what a sliding window no longer sees.
  ///
  /// - Throws: `CacheFault.noSequence`.
  package func evict(_ sequence: Int, before token: Int) throws {
    var held = try held(sequence)
    held.first = max(held.first, min(token, held.tokens))
    for index in held.pages.indices where (index + 1) * layout.pageTokens <= held.first {
      if let page = held.pages[index] { release(page) }
      held.pages[index] = nil
    }
    sequences[sequence] = held
  }

  /// Tokens of a sequence, evicted ones included.
  ///
  /// - Throws: `CacheFault.noSequence`.
  package func tokens(of sequence: Int) throws -> Int { try held(sequence).tokens }

  private func held(_ sequence: Int) throws -> SequencePages {
    guard let held = sequences[sequence] else { throw CacheFault.noSequence(sequence) }
    return held
  }

  private func release(_ page: Int) {
    references[page] -= 1
    if references[page] == 0 { free.append(page) }
  }

  // MARK: Tokens

  /// Makes place for tokens of a sequence, in pages that only it has.
  ///
  /// - Returns: the first new token's place in the sequence.
  /// - Throws: `CacheFault.full`; nothing was taken then.
  package func reserve(_ tokens: Int, for sequence: Int) throws -> Int {
    var held = try held(sequence)
    let start = held.tokens
    let firstPage = start / layout.pageTokens
    let pages = (start + tokens + layout.pageTokens - 1) / layout.pageTokens
    var shared: Int?
    if firstPage < held.pages.count, let page = held.pages[firstPage], references[page] > 1 {
      shared = page
    }
    let needed = max(0, pages - held.pages.count) + (shared == nil ? 0 : 1)
    guard needed <= free.count else {
      throw CacheFault.full(
        sequence: sequence, tokens: tokens, needed: needed, free: free.count,
        pageTokens: layout.pageTokens)
    }
    if let shared {
      let page = take()
      copy(shared, to: page)
      release(shared)
      held.pages[firstPage] = page
    }
    while held.pages.count < pages { held.pages.append(take()) }
    held.tokens += tokens
    sequences[sequence] = held
    return start
  }

  private func take() -> Int {
    let page = free.removeLast()
    references[page] = 1
    return page
  }

  private func copy(_ page: Int, to other: Int) {
    let (keyBytes, valueBytes) = (
      layout.keyBytes(pages: 1).count, layout.valueBytes(pages: 1).count
    )
    (keys.start + other * keyBytes).copyMemory(
      from: keys.start + page * keyBytes, byteCount: keyBytes)
    (values.start + other * valueBytes).copyMemory(
      from: values.start + page * valueBytes, byteCount: valueBytes)
  }

  /// Stores tokens at the end of a sequence.
  ///
  /// - Parameters:
  ///   - keys: tokens × kv-heads × head-dim; `values` likewise.
  /// - Throws: `CacheFault`; nothing was stored then.
  package func append(_ keys: [Float], _ values: [Float], to sequence: Int) throws {
    let tokenLength = layout.kvHeads * layout.headDim
    precondition(keys.count == values.count && keys.count.isMultiple(of: tokenLength))
    let start = try tokens(of: sequence)
    for (what, numbers) in [("key", keys), ("value", values)] {
      if let index = numbers.firstIndex(where: { !$0.isFinite }) {
        throw CacheFault.notFinite(
          what: what, sequence: sequence, token: start + index / tokenLength,
          head: index % tokenLength / layout.headDim)
      }
    }
    let tokens = keys.count / tokenLength
    _ = try reserve(tokens, for: sequence)
    for index in 0..<tokens * layout.kvHeads {
      let (token, head) = (start + index / layout.kvHeads, index % layout.kvHeads)
      let place = try place(of: token, in: sequence)
      keys.withUnsafeBufferPointer { keys in
        values.withUnsafeBufferPointer { values in
          guard let key = keys.baseAddress, let value = values.baseAddress else { return }
          layout.storeKey(
            key + index * layout.headDim, at: place.token,
            in: keyBlock(place.page, head, place.token))
          layout.storeValue(
            value + index * layout.headDim, at: place.token,
            in: valueBlock(place.page, head, place.token))
        }
      }
    }
  }

  /// Stores made-up tokens at the end of a sequence, some at a time; where memory is only planned they take
  /// their places and nothing more.
  ///
  /// - Parameters:
  ///   - chunk: tokens at a time.
  ///   - numbers: keys and values of a stretch of the tokens, counted from 0: tokens × kv-heads × head-dim.
  package func fill(
    _ sequence: Int, tokens: Int, chunk: Int,
    _ numbers: (Range<Int>) -> (keys: [Float], values: [Float])
  ) throws {
    guard !keys.isPlan else {
      _ = try reserve(tokens, for: sequence)
      return
    }
    for start in stride(from: 0, to: tokens, by: chunk) {
      let (keys, values) = numbers(start..<min(tokens, start + chunk))
      try append(keys, values, to: sequence)
    }
  }

  /// A sequence's pages by place; nil where evicted.
  func pages(of sequence: Int) throws -> [Int?] { try held(sequence).pages }

  /// The page of a token, and its place there.
  ///
  /// - Throws: `CacheFault.noSequence`, or `CacheFault.noToken` for one that was evicted or never stored.
  package func place(of token: Int, in sequence: Int) throws -> (page: Int, token: Int) {
    let held = try held(sequence)
    guard held.first..<held.tokens ~= token, let page = held.pages[token / layout.pageTokens] else {
      throw CacheFault.noToken(
        sequence: sequence, token: token, kept: held.first..<held.tokens)
    }
    return (page, token % layout.pageTokens)
  }

  /// The block of one head that has the key of a token of a page.
  package func keyBlock(_ page: Int, _ head: Int, _ token: Int) -> UnsafeMutableRawPointer {
    keys.start + layout.keyBlock(page: page, head: head, token: token)
  }
  /// The block of one head that has the value of a token of a page.
  package func valueBlock(_ page: Int, _ head: Int, _ token: Int) -> UnsafeMutableRawPointer {
    values.start + layout.valueBlock(page: page, head: head, token: token)
  }

  /// What is kept of a token's key: head-dim numbers, rotated as they were stored, as they are read back.
  ///
  /// - Throws: `CacheFault`, as `place` does.
  package func key(_ token: Int, head: Int, of sequence: Int) throws -> [Float] {
    let place = try place(of: token, in: sequence)
    return layout.loadKey(at: place.token, from: keyBlock(place.page, head, place.token))
  }
  /// What is kept of a token's value: head-dim numbers, as they are read back.
  ///
  /// - Throws: `CacheFault`, as `place` does.
  package func value(_ token: Int, head: Int, of sequence: Int) throws -> [Float] {
    let place = try place(of: token, in: sequence)
    return layout.loadValue(at: place.token, from: valueBlock(place.page, head, place.token))
  }

  // MARK: Use

  /// How many pages and tokens are in use now.
  package var use: CacheUse {
    let held = references.count { $0 > 0 }
    // A page that several share has its tokens once.
    var tokens: [Int: Int] = [:]
    for sequence in sequences.values {
      for (index, page) in sequence.pages.enumerated() {
        guard let page else { continue }
        let start = index * layout.pageTokens
        let stored =
          min(sequence.tokens, start + layout.pageTokens) - max(start, sequence.first)
        tokens[page] = max(tokens[page] ?? 0, stored)
      }
    }
    return CacheUse(
      pages: references.count, held: held, shared: references.count { $0 > 1 },
      tokens: tokens.values.reduce(0, +), pageTokens: layout.pageTokens)
  }
}

extension KVCache {
  /// Bytes of pages that hold no token.
  package var unusedBytes: Bytes {
    let use = use
    let free = layout.bytes(pages: use.pages - use.held)
    return free + Bytes(Int(Double(layout.bytes(pages: use.held).count) * use.fragmentation))
  }
}

/// How much of a cache is in use.
package struct CacheUse: Hashable, Sendable {
  package let pages: Int
  /// By any sequence.
  package let held: Int
  /// By more than one.
  package let shared: Int
  /// Those that held pages keep, a shared one's once.
  package let tokens: Int
  package let pageTokens: Int

  /// The share of held pages that holds no token.
  package var fragmentation: Double {
    held == 0 ? 0 : 1 - Double(tokens) / Double(held * pageTokens)
  }
}
