import CMicrokernels

/// Stores new tokens' keys, turned, and values where a cache has their places.
struct CacheWriter {
  let cache: KVCache
  /// Of each sequence, by place in it.
  let pages: [[Int?]]
  let loops: CachedAttention.Loops
  let table: RotaryTable?

  init(
    cache: KVCache, sequences: [Int], loops: CachedAttention.Loops, table: RotaryTable?
  ) throws {
    self.cache = cache
    self.loops = loops
    self.table = table
    pages = try sequences.map(cache.pages)
  }

  /// The block that has a token; none where that was evicted.
  func block(sequence: Int, head: Int, token: Int) -> (
    keys: UnsafeMutableRawPointer, values: UnsafeMutableRawPointer
  )? {
    let pageTokens = cache.layout.pageTokens
    guard let page = pages[sequence][token / pageTokens] else { return nil }
    let place = token % pageTokens
    return (cache.keyBlock(page, head, place), cache.valueBlock(page, head, place))
  }

  /// - Parameter scratch: as long as a key.
  func store(
    key: UnsafePointer<Float>, value: UnsafePointer<Float>, sequence: Int, head: Int, token: Int,
    scratch: UnsafeMutablePointer<Float>
  ) {
    guard let block = block(sequence: sequence, head: head, token: token) else { return }
    var key = key
    if let table {
      table.turn(key, at: token, to: scratch)
      key = UnsafePointer(scratch)
    }
    let layout = cache.layout
    // A page begins with a block, so that the place in one is the same in both.
    let (depth, width) = (Int64(layout.headDim), Int32(layout.width))
    let place = Int32(token % layout.width)
    loops.keys.store(key, depth, width, place, block.keys)
    loops.values.store(value, depth, width, place, block.values)
  }
}
