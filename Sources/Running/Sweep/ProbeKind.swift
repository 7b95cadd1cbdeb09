import Records

/// What a probe measures: two blocks of the same kind can share one.
struct ProbeKind: Hashable {
  let unit: String
  let level: MemoryLevel
  let threads: Int
  let isOfMemory: Bool
}
