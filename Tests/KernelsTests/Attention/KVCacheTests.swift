import Kernels
import Quantities
import Testing

@Suite struct KVCacheTests {
  private static func layout(
    _ type: CacheType = .fp32, pageTokens: Int = 16, headDim: Int = 32
  ) -> CacheLayout {
    CacheLayout(kvHeads: 2, headDim: headDim, keys: type, values: type, pageTokens: pageTokens)
  }

  /// Each number says where it is from.
  private func tokens(_ count: Int, from: Int = 0, _ layout: CacheLayout) -> [Float] {
    let length = layout.kvHeads * layout.headDim
    return (from * length..<(from + count) * length).map { Float($0 % 251) - 125 }
  }

  @Test(arguments: CacheType.allCases, [16, 32, 48, 256])
  func `what was stored comes back as its type keeps it`(type: CacheType, page: Int) throws {
    let layout = Self.layout(type, pageTokens: page, headDim: 64)
    let cache = try KVCache(layout: layout, pages: 8, in: MemoryLedger())
    let (one, other) = (cache.addSequence(), cache.addSequence())
    let numbers = tokens(40, layout)
    // Turn by turn, so that their pages lie between one another's.
    for token in 0..<40 {
      let key = Array(numbers[token * 128..<(token + 1) * 128])
      try cache.append(key, key.map { -$0 }, to: token < 20 || token % 2 == 0 ? one : other)
    }
    #expect(try cache.tokens(of: one) == 30)
    let step: Float =
      switch type {
      case .fp32, .fp16: 0
      case .bf16: 0.5
      case .q8_0: 0.5 * 125 / 127 + 0.1
      case .q4_0: 125 / 8 + 0.1
      }
    for token in 0..<20 {
      for head in 0..<2 {
        let exact = numbers[(token * 2 + head) * 64..<(token * 2 + head + 1) * 64]
        let key = try cache.key(token, head: head, of: one)
        let value = try cache.value(token, head: head, of: one)
        #expect(zip(exact, key).allSatisfy { abs($0 - $1) <= step })
        #expect(zip(exact, value).allSatisfy { abs(-$0 - $1) <= step })
      }
    }
    let last = numbers[39 * 128..<39 * 128 + 64]
    #expect(
      zip(last, try cache.key(9, head: 0, of: other)).allSatisfy { abs($0 - $1) <= step })
  }

  @Test func `a full cache names the sequence and keeps all`() throws {
    let layout = Self.layout()
    let cache = try KVCache(layout: layout, pages: 3, in: MemoryLedger())
    let (one, other) = (cache.addSequence(), cache.addSequence())
    try cache.append(tokens(20, layout), tokens(20, layout), to: one)
    try cache.append(tokens(10, layout), tokens(10, layout), to: other)
    let before = cache.use
    #expect(
      throws: CacheFault.full(sequence: other, tokens: 7, needed: 1, free: 0, pageTokens: 16)
    ) {
      try cache.append(tokens(7, layout), tokens(7, layout), to: other)
    }
    #expect(cache.use == before)
    #expect(try cache.tokens(of: other) == 10)
    #expect(try cache.key(9, head: 1, of: other) == Array(tokens(10, layout)[19 * 32..<20 * 32]))
    // What is left of a page still fits.
    try cache.append(tokens(6, layout), tokens(6, layout), to: other)
    try cache.remove(one)
    try cache.append(tokens(7, layout), tokens(7, layout), to: other)
    #expect(try cache.tokens(of: other) == 23)
  }

  @Test func `a shared beginning is copied by the first to write to it`() throws {
    let layout = Self.layout()
    let cache = try KVCache(layout: layout, pages: 4, in: MemoryLedger())
    let one = cache.addSequence()
    try cache.append(tokens(24, layout), tokens(24, layout), to: one)
    let other = try cache.fork(one)
    #expect(cache.use.held == 2)
    #expect(cache.use.shared == 2)
    try cache.append(tokens(1, from: 100, layout), tokens(1, from: 100, layout), to: other)
    // The second page alone: the first is whole, and both go on reading it.
    #expect(cache.use.held == 3)
    #expect(cache.use.shared == 1)
    #expect(try cache.tokens(of: one) == 24)
    #expect(
      try cache.key(24, head: 0, of: other) == Array(tokens(1, from: 100, layout).prefix(32)))
    for token in 0..<24 {
      #expect(try cache.key(token, head: 1, of: one) == cache.key(token, head: 1, of: other))
      #expect(try cache.value(token, head: 0, of: one) == cache.value(token, head: 0, of: other))
    }
    // The last to hold a page writes to it where it is.
    try cache.append(tokens(1, layout), tokens(1, layout), to: one)
    #expect(cache.use.held == 3)
    try cache.remove(one)
    #expect(cache.use.held == 2)
    #expect(cache.use.shared == 0)
  }

  @Test func `evicting gives back whole pages`() throws {
    let layout = Self.layout()
    let cache = try KVCache(layout: layout, pages: 4, in: MemoryLedger())
    let one = cache.addSequence()
    try cache.append(tokens(40, layout), tokens(40, layout), to: one)
    try cache.evict(one, before: 31)
    #expect(cache.use.held == 2)
    #expect(throws: CacheFault.noToken(sequence: one, token: 30, kept: 31..<40)) {
      try cache.key(30, head: 0, of: one)
    }
    #expect(try cache.key(31, head: 0, of: one) == Array(tokens(40, layout)[62 * 32..<63 * 32]))
    // 9 of the 32 that its pages hold.
    #expect(cache.use.tokens == 9)
    #expect(cache.use.fragmentation == 1 - 9.0 / 32)
  }

  @Test func `numbers that are none are refused by their place`() throws {
    let layout = Self.layout()
    let cache = try KVCache(layout: layout, pages: 1, in: MemoryLedger())
    let one = cache.addSequence()
    try cache.append(tokens(3, layout), tokens(3, layout), to: one)
    var bad = tokens(2, layout)
    bad[64 + 32 + 5] = .nan
    #expect(throws: CacheFault.notFinite(what: "key", sequence: one, token: 4, head: 1)) {
      try cache.append(bad, tokens(2, layout), to: one)
    }
    #expect(throws: CacheFault.notFinite(what: "value", sequence: one, token: 4, head: 1)) {
      try cache.append(tokens(2, layout), bad, to: one)
    }
    #expect(try cache.tokens(of: one) == 3)
    #expect(throws: CacheFault.noSequence(7)) { try cache.fork(7) }
  }

  @Test func `its memory is in the ledger by its role`() throws {
    let ledger = try MemoryLedger()
    let layout = Self.layout(.q8_0, pageTokens: 64, headDim: 128)
    let cache = try KVCache(layout: layout, pages: 2, in: ledger)
    // Keys and values, 2 heads, 128 tokens, 34 bytes for each 32.
    let bytes = Bytes(2 * 2 * 128 * 128 / 32 * 34)
    #expect(layout.bytes(pages: 2) == bytes)
    #expect(ledger.snapshot.plan.phases.values.contains { $0[.kvCache] == bytes })
    #expect(cache.use.fragmentation == 0)
  }
}
