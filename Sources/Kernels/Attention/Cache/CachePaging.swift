/// How a cache's memory is cut.
package enum CachePaging: Hashable, Sendable {
  /// As long as a sequence may become, for each.
  case contiguous
  /// Pages of so many tokens, taken as sequences grow.
  case pages(Int)

  /// What a page may be.
  package static let sizes = 16...256
}
