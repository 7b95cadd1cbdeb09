import Quantities
package import Records

/// How large the two buffers are that bandwidth is measured on, and what of them is gone over in which level:
/// as the caches ask for it, within what there is room for.
package struct ProbeSizes: Sendable {
  /// Of each of the two.
  package let length: Int
  /// What one thread goes over, by level.
  package let footprints: [MemoryLevel: Int]
  /// Levels that the buffers are too small for, with the reason.
  package let unavailable: [MemoryLevel: String]

  /// What one thread moves in one stretch: milliseconds in any level.
  package static let stretch = 128 << 20

  /// Fewer times the last cache, and too much of what is read as memory's own comes from there: an
  /// eighth and more of the lines.
  package static let least = 4

  /// - Parameter threads: the maximum number of threads that will measure.
  package init(machine: Machine, threads: Int, room: ProbeRoom) {
    let cached = Self.cached(machine)
    let wanted = max(Self.whole(machine), threads * Self.stretch)
    let needed = Self.least * machine.lastLevelCache.count
    if Self.fits(wanted, room.allowance) {
      self.init(length: wanted, dram: Self.stretch, cached)
    } else if let allowance = room.allowance, Self.isEnough(allowance, needed) {
      self.init(shrunkTo: allowance.count / 2, threads: threads, cached)
    } else if let ample = room.ample, Self.isEnough(ample, needed) {
      self.init(shrunkTo: needed, threads: threads, cached)
    } else {
      self.init(
        cachedOnly: cached, threads: threads, room: room,
        because: "reading past a cache of \(machine.lastLevelCache) takes two buffers of "
          + "\(Bytes(needed)), and the probes may take \(room.ample ?? .zero) "
          + "(\(room.owner))")
    }
  }

  private init(length: Int, dram: Int, _ cached: [MemoryLevel: Int]) {
    self.length = length
    footprints = cached.merging([.dram: dram]) { $1 }
    unavailable = [:]
  }

  private init(shrunkTo length: Int, threads: Int, _ cached: [MemoryLevel: Int]) {
    let slice = Self.pages(min(Self.stretch, length / threads))
    self.init(length: Self.pages(length), dram: slice, cached)
  }

  /// Levels that lie within what there is, each by itself.
  private init(
    cachedOnly cached: [MemoryLevel: Int], threads: Int, room: ProbeRoom, because: String
  ) {
    let kept = cached.filter { Self.fits($0.value * threads, room.ample) }
    length = (kept.values.max() ?? 0) * threads
    footprints = kept
    var reasons: [MemoryLevel: String] = [.dram: because]
    for (level, footprint) in cached where kept[level] == nil {
      reasons[level] =
        "its probe takes two buffers of \(Bytes(footprint * threads)), and may take "
        + "\(room.ample ?? .zero) (\(room.owner))"
    }
    unavailable = reasons
  }

  /// Bytes per thread that lie well inside each cache: a third of L1 and half of L2 (both a
  /// thread's own), and three eighths of what each core has of a shared L3.
  private static func cached(_ machine: Machine) -> [MemoryLevel: Int] {
    var sizes: [MemoryLevel: Int] = [:]
    if let l1 = machine.cacheSize(level: 1) { sizes[.l1] = pages(l1.count / 3) }
    if let l2 = machine.cacheSize(level: 2) { sizes[.l2] = pages(l2.count / 2) }
    if let l3 = machine.cacheSize(level: 3) {
      sizes[.l3] = pages(l3.count * 3 / 8 / machine.visibleCores)
    }
    return sizes
  }

  /// What DRAM is measured on in all, slice by slice: 32 times the last cache, for one that does
  /// not evict in order still holds a tenth of what lies four times its size back. Never more than
  /// an eighth of the memory.
  private static func whole(_ machine: Machine) -> Int {
    let wanted = max(1 << 30, 32 * machine.lastLevelCache.count)
    return min(wanted, machine.memoryClass.count / 8) / stretch * stretch
  }

  private static func pages(_ bytes: Int) -> Int { max(1, bytes / 4096) * 4096 }

  /// Whether two buffers of a length lie within a bound, where there is one.
  private static func fits(_ length: Int, _ bound: Bytes?) -> Bool {
    bound.map { 2 * length <= $0.count } ?? true
  }

  private static func isEnough(_ bound: Bytes, _ needed: Int) -> Bool { bound.count / 2 >= needed }
}
