import CGperftools
package import Quantities

/// tcmalloc's own numbers, by its own names.
package enum AllocatorProperties {
  package static let names = [
    "generic.current_allocated_bytes",
    "generic.heap_size",
    "tcmalloc.pageheap_free_bytes",
    "tcmalloc.current_total_thread_cache_bytes",
  ]

  /// - Parameter lookUp: Answers nil for a property that the allocator does not know.
  package static func read(
    _ names: [String] = names, lookUp: (String) -> Int? = numericProperty
  ) -> [String: Reading<Int>] {
    var readings: [String: Reading<Int>] = [:]
    for name in names {
      readings[name] =
        lookUp(name).map { .measured($0) }
        ?? .unavailable("the allocator knows no property \(name)")
    }
    return readings
  }

  package static func numericProperty(_ name: String) -> Int? {
    var value = 0
    return MallocExtension_GetNumericProperty(name, &value) != 0 ? value : nil
  }
}
