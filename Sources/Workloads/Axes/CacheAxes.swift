package import Kernels

/// A cache of keys and values as axes of a problem.
package struct CacheAxes: AxisGroup {
  package let cacheTypeK: CacheType
  package let cacheTypeV: CacheType
  package let paging: AxisTextValue<CachePaging>

  /// What is left out is as in `defaults`.
  package init(
    keys: CacheType = .fp16, values: CacheType = .fp16, paging: CachePaging = .contiguous
  ) {
    cacheTypeK = keys
    cacheTypeV = values
    self.paging = AxisTextValue(paging)
  }

  package var format: CacheFormat {
    CacheFormat(keys: cacheTypeK, values: cacheTypeV, paging: paging.value)
  }

  /// Their values where they are left out.
  static let defaults = [
    "cache-type-k": "fp16", "cache-type-v": "fp16", "paging": "contiguous",
  ]

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

extension CacheType: AxisWord {}

extension CachePaging: AxisText {
  package static let words = ["contiguous"]
  package static let calls = ["pages"]

  package init?(axisText text: String) {
    guard text != "contiguous" else {
      self = .contiguous
      return
    }
    guard text.hasPrefix("pages("), text.hasSuffix(")"),
      let tokens = Int(text.dropFirst("pages(".count).dropLast()), tokens >= 1
    else { return nil }
    self = .pages(tokens)
  }

  package var axisText: String {
    switch self {
    case .contiguous: "contiguous"
    case .pages(let tokens): "pages(\(tokens))"
    }
  }
}
