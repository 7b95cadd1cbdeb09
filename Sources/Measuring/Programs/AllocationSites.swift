package import Quantities
package import Records

/// The functions that hold a profile's memory, the largest first.
package enum AllocationSites {
  package struct Ranking: Sendable {
    package let sites: [HeapUse.Site]
    /// What all other allocations hold.
    package let others: Bytes
  }

  /// Names only the stacks that hold the most: naming every one of a large program takes minutes.
  private static let namedStacks = 256

  /// Smaller sites than this share of the whole are left to the others; one is always told.
  private static let smallestShare = 0.001

  /// - Parameters:
  ///   - count: how many sites are wanted at most.
  ///   - name: whose code runs when a call has not yet returned to an address.
  package static func rank(
    _ profile: HeapProfile, count: Int = 10, name: (UInt64) -> ProgramFrame
  ) -> Ranking {
    struct Found {
      var bytes = 0
      var objects = 0
      var callers: [ProgramFrame] = []
      var largest = -1
    }
    let stacks = profile.allocations.filter { $0.bytes > .zero }
      .sorted { ($0.bytes, $1.stack.count) > ($1.bytes, $0.stack.count) }
    var found: [ProgramFrame: Found] = [:]
    for allocation in stacks.prefix(namedStacks) {
      let (site, callers) = place(allocation.stack, name)
      var entry = found[site] ?? Found()
      entry.bytes = entry.bytes.saturatingSum(allocation.bytes.count)
      entry.objects = entry.objects.saturatingSum(allocation.objects)
      if allocation.bytes.count > entry.largest {
        entry.largest = allocation.bytes.count
        entry.callers = callers
      }
      found[site] = entry
    }
    let sites = found.map { frame, entry in
      HeapUse.Site(
        bytes: Bytes(entry.bytes), objects: entry.objects, frame: frame, callers: entry.callers)
    }.sorted { ($0.bytes, order($1.frame)) > ($1.bytes, order($0.frame)) }
    let smallest = Int(Double(profile.inUse.count) * smallestShare)
    let shown = sites.prefix(count).enumerated().filter {
      $0.offset == 0 || $0.element.bytes.count >= smallest
    }.map(\.element)
    let told = shown.reduce(0) { $0.saturatingSum($1.bytes.count) }
    return Ranking(sites: shown, others: Bytes(max(0, profile.inUse.count - told)))
  }

  /// Sites of one size stand in one order, whatever the dictionary's.
  private static func order(_ frame: ProgramFrame) -> String {
    "\(frame.object) \(frame.function ?? "")"
  }

  /// The innermost function with a name that is not the allocator's, with two callers. Where line tables tell
  /// lines apart, each is a site by itself.
  private static func place(
    _ stack: [UInt64], _ name: (UInt64) -> ProgramFrame
  ) -> (site: ProgramFrame, callers: [ProgramFrame]) {
    var first: ProgramFrame?
    var named: [ProgramFrame] = []
    for address in stack {
      let frame = name(address)
      if named.isEmpty, isAllocator(frame) { continue }
      first = first ?? frame
      guard frame.function != nil else { continue }
      named.append(frame)
      if named.count == 3 { break }
    }
    guard let site = named.first else {
      return (first ?? ProgramFrame(function: nil, object: "unknown"), [])
    }
    return (site, Array(named.dropFirst()))
  }

  /// The allocator's own frames: the C library's names for it, C++'s, and tcmalloc's inner ones.
  static func isAllocator(_ frame: ProgramFrame) -> Bool {
    if frame.object.hasPrefix("libtcmalloc") { return true }
    guard let function = frame.function else { return false }
    return entries.contains(function) || starts.contains { function.hasPrefix($0) }
  }

  private static let entries: Set<String> = [
    "malloc", "calloc", "realloc", "reallocarray", "memalign", "aligned_alloc", "posix_memalign",
    "valloc", "pvalloc", "__libc_malloc", "__libc_calloc", "__libc_realloc", "__libc_memalign",
  ]

  private static let starts = [
    "operator new(", "operator new[](", "tc_", "tcmalloc::", "(anonymous namespace)::do_malloc",
    "MallocHook::",
  ]
}
