import Quantities

/// A cache of keys and values as axes of a problem.
package struct CacheAxes: AxisGroup {
  package let cacheTypeK: CacheType
  package let cacheTypeV: CacheType
  package let paging: AxisTextValue<CachePaging>

  package init(
    keys: CacheType = .fp16, values: CacheType = .fp16, paging: CachePaging = .contiguous
  ) {
    cacheTypeK = keys
    cacheTypeV = values
    self.paging = AxisTextValue(paging)
  }

  /// Both keys and values: what is read is then whole numbers throughout.
  var isQuantized: Bool { cacheTypeK.isQuantized && cacheTypeV.isQuantized }

  /// Their values where they are left out.
  static let defaults = [
    "cache-type-k": "fp16", "cache-type-v": "fp16", "paging": "contiguous",
  ]

  /// Of sequences of up to so many tokens.
  func layout(kvHeads: Int, headDim: Int, longest: Int) -> CacheLayout {
    let pageTokens =
      switch paging.value {
      case .contiguous: roundUp(longest, to: 64)
      case .pages(let tokens): tokens
      }
    return CacheLayout(
      kvHeads: kvHeads, headDim: headDim, keys: cacheTypeK, values: cacheTypeV,
      pageTokens: pageTokens)
  }

  /// A token's share of keys and values of one head: blocks of 32, or numbers.
  func tokenBytes(headDim: Int) -> Bytes {
    cacheTypeK.elementType.bytes(of: headDim) + cacheTypeV.elementType.bytes(of: headDim)
  }

  func validate(headDim: Int) throws {
    for (axis, type) in [("cache-type-k", cacheTypeK), ("cache-type-v", cacheTypeV)]
    where type.isQuantized && !headDim.isMultiple(of: 32) {
      throw ProblemFault(
        axis: axis, what: "\(type.rawValue) has a scale for each 32, and head-dim is \(headDim)",
        fix: "use fp32, fp16 or bf16, or a head-dim that is a multiple of 32")
    }
    if case .pages(let tokens) = paging.value,
      !CachePaging.sizes.contains(tokens) || !tokens.isMultiple(of: 16)
    {
      throw ProblemFault(
        axis: "paging", what: "a page of \(tokens) tokens",
        fix: "use 16 to 256, a multiple of 16")
    }
  }
}
