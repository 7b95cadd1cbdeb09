package import Quantities

/// How a cache keeps keys and values, and how its memory is cut.
package struct CacheFormat: Hashable, Sendable {
  package let keys: CacheType
  package let values: CacheType
  package let paging: CachePaging

  /// Takes any types. A quantized one needs a head dimension that is a multiple of 32: that is for whoever
  /// makes a layout to check.
  package init(keys: CacheType, values: CacheType, paging: CachePaging) {
    self.keys = keys
    self.values = values
    self.paging = paging
  }

  /// Both keys and values: what is read is then whole numbers throughout.
  package var isQuantized: Bool { keys.isQuantized && values.isQuantized }

  /// The layout for sequences of up to `longest` tokens. A contiguous cache has pages that long, rounded up
  /// to whole blocks of 64 tokens.
  package func layout(kvHeads: Int, headDim: Int, longest: Int) -> CacheLayout {
    let pageTokens =
      switch paging {
      case .contiguous: roundUp(longest, to: 64)
      case .pages(let tokens): tokens
      }
    return CacheLayout(
      kvHeads: kvHeads, headDim: headDim, keys: keys, values: values, pageTokens: pageTokens)
  }

  /// A token's share of keys and values of one head: blocks of 32, or numbers.
  package func tokenBytes(headDim: Int) -> Bytes {
    keys.elementType.bytes(of: headDim) + values.elementType.bytes(of: headDim)
  }
}
