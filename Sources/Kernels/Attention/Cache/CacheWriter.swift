import CMicrokernels

/// Stores new tokens' keys, rotated, and values where a cache has their places.
package struct CacheWriter {
  let cache: KVCache
  /// Of each sequence, by place in it.
  let pages: [[Int?]]
  private let keyLoops: hr_cache_keys
  private let valueLoops: hr_cache_values
  let table: RotaryTable?

  /// Looks the sequences' pages up once: places that are reserved later are not seen.
  ///
  /// - Parameters:
  ///   - sequences: by the numbers that the cache gave them; `store` and `block` count among these.
  ///   - table: rotates keys before they are stored; nil leaves them as they are.
  /// - Throws: `CacheFault.noSequence`.
  package init(
    cache: KVCache, sequences: [Int], instructions: InstructionSet, table: RotaryTable?
  ) throws {
    self.cache = cache
    keyLoops = instructions.cacheKeys(cache.layout.keys)
    valueLoops = instructions.cacheValues(cache.layout.values)
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

  /// Prefetches the lines that a token's key and value will be stored to: those of a key lie far apart.
  func prefetch(sequence: Int, head: Int, token: Int) {
    guard let block = block(sequence: sequence, head: head, token: token) else { return }
    let layout = cache.layout
    let (row, width, groups) = (token % layout.width, layout.width, layout.headDim / 32)
    if layout.keys.isQuantized {
      // Codes of each group: 4 bytes and as many again for each other token.
      let size = layout.keyBlockBytes / groups
      for group in 0..<groups {
        hr_prefetch(
          block.keys + group * size + 2 * width + 4 * row, Int64((size / width - 2) / 4),
          Int64(4 * width))
      }
    } else {
      let size = layout.keyBlockBytes / (layout.headDim * width)
      hr_prefetch(block.keys + row * size, Int64(layout.headDim), Int64(width * size))
    }
    if layout.values.isQuantized {
      for group in 0..<groups {
        hr_prefetch(block.values + layout.valueCodes(row: row, group: group), 1, 64)
      }
    } else {
      let size = layout.valueBlockBytes / (layout.paddedHeadDim * width)
      for column in stride(from: 0, to: layout.headDim, by: 64) {
        hr_prefetch(block.values + layout.valuePlace(row: row, column: column) * size, 4, 64)
      }
    }
  }

  /// - Parameter scratch: as long as a key.
  func store(
    key: UnsafePointer<Float>, value: UnsafePointer<Float>, sequence: Int, head: Int, token: Int,
    scratch: UnsafeMutablePointer<Float>
  ) {
    guard let block = block(sequence: sequence, head: head, token: token) else { return }
    var key = key
    if let table {
      table.rotate(key, at: token, to: scratch)
      key = UnsafePointer(scratch)
    }
    let layout = cache.layout
    // A page begins with a block, so that the place in one is the same in both.
    let (headDim, width) = (Int64(layout.headDim), Int32(layout.width))
    let place = Int32(token % layout.width)
    keyLoops.store(key, headDim, width, place, block.keys)
    valueLoops.store(value, headDim, width, place, block.values)
  }
}
