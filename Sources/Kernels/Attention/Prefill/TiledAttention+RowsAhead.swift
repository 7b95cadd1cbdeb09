import CMicrokernels

extension TiledAttention {
  /// Rows of a group of heads that will be read or written after the tile at hand, prefetched while it
  /// is multiplied: they lie apart, so that no processor foresees them.
  struct RowsAhead {
    private var row: UnsafeMutableRawPointer
    private var head: Int
    private var count: Int
    private let group: Int
    private let bytes: Int
    /// From the last row of a token on to the first of the next.
    private let gap: Int
    private let lines: Int64

    /// - Parameter start: the group's first row.
    init(
      _ rows: Range<Int>, of shape: AttentionPrefill, from start: UnsafeMutableRawPointer,
      bytes: Int
    ) {
      group = shape.group
      self.bytes = bytes
      gap = (shape.heads - group) * bytes
      lines = Int64((bytes + 63) / 64)
      count = rows.count
      head = rows.lowerBound % group
      row = start + (rows.lowerBound / group * shape.heads + head) * bytes
    }

    mutating func prefetchTwo(toWrite: Bool) {
      for _ in 0..<min(2, count) {
        if toWrite { hr_prefetch_to_write(row, lines, 64) } else { hr_prefetch(row, lines, 64) }
        row += bytes
        head += 1
        if head == group {
          row += gap
          head = 0
        }
      }
      count = max(0, count - 2)
    }
  }
}
