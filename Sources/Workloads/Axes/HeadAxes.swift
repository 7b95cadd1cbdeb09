/// Heads of queries that share those of keys.
struct HeadLayout {
  let heads: Int
  let kvHeads: Int

  func validate() throws {
    guard heads.isMultiple(of: kvHeads) else {
      throw ProblemFault(
        axis: "kv-heads",
        what: "heads is \(heads), which is not a multiple of kv-heads, \(kvHeads)",
        fix: "give as many heads of queries to each of keys: kv-heads that divides heads")
    }
  }
}
