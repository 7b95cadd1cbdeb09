/// What attention's axes have in common.
struct AttentionHeads {
  let batch: Int
  let heads: Int
  let kvHeads: Int
  let headDim: Int

  init(_ values: FormValues) throws {
    batch = try values.count("batch")
    heads = try values.count("heads")
    kvHeads = try values.count("kv-heads")
    headDim = try values.count("head-dim")
    try Self.check(heads: heads, kvHeads: kvHeads)
  }

  /// Throws where heads of keys are not shared by as many of queries each.
  static func check(heads: Int, kvHeads: Int) throws {
    guard heads.isMultiple(of: kvHeads) else {
      throw FormFault.noProblem(
        axis: "kv-heads",
        what: "heads is \(heads), which is not a multiple of kv-heads, \(kvHeads)",
        mend: "use kv-heads that divides heads")
    }
  }
}
