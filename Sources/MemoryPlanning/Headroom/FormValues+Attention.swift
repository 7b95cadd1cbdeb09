import Kernels

extension FormValues {
  /// Which keys a query sees.
  func mask(_ axis: String = "mask") throws -> AttentionMask {
    let (name, count) = try call(axis, words: ["causal", "full", "blocks"], calls: ["window"])
    if let count { return .window(count) }
    return name == "full" ? .full : name == "blocks" ? .blocks : .causal
  }

  /// Which rotation queries and keys get: base and scaling change no bytes.
  func rotary(headDim: Int) throws -> Rotary {
    let layout: RotaryLayout = try word("rope")
    guard layout == .none || headDim.isMultiple(of: 2) else {
      throw FormFault.noProblem(
        axis: "rope", what: "pairs are rotated, and head-dim is \(headDim)",
        mend: "use rope none, or an even head-dim")
    }
    return Rotary(layout)
  }

  /// How a cache keeps keys and values.
  func cache() throws -> CacheFormat {
    let (_, tokens) = try call("paging", words: ["contiguous"], calls: ["pages"])
    return CacheFormat(
      keys: try word("cache-type-k"), values: try word("cache-type-v"),
      paging: tokens.map { .pages($0) } ?? .contiguous)
  }

  /// Throws where a cache cannot keep heads so long, or be cut so.
  func check(_ cache: CacheFormat, headDim: Int) throws {
    for (axis, type) in [("cache-type-k", cache.keys), ("cache-type-v", cache.values)]
    where type.isQuantized && !headDim.isMultiple(of: 32) {
      throw FormFault.noProblem(
        axis: axis, what: "\(type.rawValue) has a scale for each 32, and head-dim is \(headDim)",
        mend: "use fp32, fp16 or bf16, or a head-dim that is a multiple of 32")
    }
    if case .pages(let tokens) = cache.paging,
      !CachePaging.sizes.contains(tokens) || !tokens.isMultiple(of: 16)
    {
      throw FormFault.noProblem(
        axis: "paging", what: "a page of \(tokens) tokens", mend: "use 16 to 256, a multiple of 16")
    }
  }
}
