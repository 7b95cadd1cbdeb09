package import Quantities

/// Where a token's key and value lie in a page, as `hr_cache_keys` and `hr_cache_values` say: head after
/// head, in blocks of tokens.
package struct CacheLayout: Hashable, Sendable {
  package let kvHeads: Int
  package let headDim: Int
  package let keys: CacheType
  package let values: CacheType
  /// Tokens of a page: a multiple of 16.
  package let pageTokens: Int

  /// Takes the sizes as they are: `headDim` must be a multiple of 32 where a type is quantized.
  ///
  /// - Parameter kvHeads: heads of keys that share the pages; those of all layers, where a model has one
  ///   cache.
  package init(kvHeads: Int, headDim: Int, keys: CacheType, values: CacheType, pageTokens: Int) {
    self.kvHeads = kvHeads
    self.headDim = headDim
    self.keys = keys
    self.values = values
    self.pageTokens = pageTokens
  }

  /// Tokens of a block: the largest of 64, 32 and 16 that a page has a whole number of.
  var width: Int { [64, 32].first { pageTokens.isMultiple(of: $0) } ?? 16 }

  /// The head dimension of plain values is filled up, so that rows of them are whole vectors.
  var paddedHeadDim: Int { roundUp(headDim, to: 16) }

  var keyBlockBytes: Int { keys.elementType.bytes(of: width * headDim).count }
  var valueBlockBytes: Int {
    values.elementType.bytes(of: width * (values.isQuantized ? headDim : paddedHeadDim)).count
  }

  func keyBytes(pages: Int) -> Bytes {
    Bytes(pages * kvHeads * (pageTokens / width) * keyBlockBytes)
  }
  func valueBytes(pages: Int) -> Bytes {
    Bytes(pages * kvHeads * (pageTokens / width) * valueBlockBytes)
  }
  /// Bytes of the keys and the values of all heads in so many pages.
  package func bytes(pages: Int) -> Bytes { keyBytes(pages: pages) + valueBytes(pages: pages) }

  /// A block of one head of a page, by bytes from the start of the keys.
  func keyBlock(page: Int, head: Int, token: Int) -> Int {
    ((page * kvHeads + head) * (pageTokens / width) + token / width) * keyBlockBytes
  }
  func valueBlock(page: Int, head: Int, token: Int) -> Int {
    ((page * kvHeads + head) * (pageTokens / width) + token / width) * valueBlockBytes
  }
}
