import CLinux
import CMicrokernels
import Quantities
package import Records
import Statistics

/// Reads, fills and copies of a buffer that lies in one level of memory, by all threads of a team.
package final class MemoryCeiling {
  /// How a buffer is read: streams side by side, and how far ahead lines are prefetched.
  private struct Pattern {
    let streams: Int
    let ahead: Int

    var name: String {
      "\(streams) streams, \(ahead == Int(HR_PAGES_AHEAD) ? "pages" : "\(ahead)") ahead"
    }
  }

  private static let patterns = [
    Pattern(streams: 1, ahead: 0), Pattern(streams: 2, ahead: 0), Pattern(streams: 4, ahead: 0),
    Pattern(streams: 1, ahead: 1024), Pattern(streams: 2, ahead: 1024),
    Pattern(streams: 4, ahead: 1024), Pattern(streams: 1, ahead: Int(HR_PAGES_AHEAD)),
  ]

  /// What one thread goes over.
  package let footprints: [MemoryLevel: Int]
  private let loops: hr_memory_loops
  private let source: UnsafeMutableRawPointer
  private let target: UnsafeMutableRawPointer
  private let length: Int
  /// Which slice of the buffers DRAM is measured on next.
  private var slice = 0
  private var best: [Key: Best] = [:]

  private struct Key: Hashable {
    let level: MemoryLevel
    let threads: Int
  }

  private struct Best {
    let pattern: Pattern
    let rate: Double
  }

  /// - Parameter threads: the maximum number of threads that will measure.
  package init?(machine: Machine, threads: Int) {
    footprints = Self.footprints(machine)
    length = max(Self.whole(machine), threads * Self.stretch)
    var error: Int32 = 0
    guard length > 0, let source = hr_map_private(UInt64(length), &error) else { return nil }
    guard let target = hr_map_private(UInt64(length), &error) else {
      hr_unmap(source, UInt64(length))
      return nil
    }
    self.source = source
    self.target = target
    hr_advise_huge(source, UInt64(length))
    hr_advise_huge(target, UInt64(length))
    loops = hr_memory_loops_for(hr_cpu_features())
    // Pages that were never written are all the same page of zeros, and would lie in L1.
    source.initializeMemory(as: UInt8.self, repeating: 1, count: length)
    target.initializeMemory(as: UInt8.self, repeating: 2, count: length)
  }

  deinit {
    hr_unmap(source, UInt64(length))
    hr_unmap(target, UInt64(length))
  }

  /// Bytes per thread that lie well inside each level: a third of L1 and half of L2 (both a
  /// thread's own), three eighths of what each core has of a shared L3, and a slice of the buffers
  /// for DRAM.
  private static func footprints(_ machine: Machine) -> [MemoryLevel: Int] {
    func pages(_ bytes: Int) -> Int { max(1, bytes / 4096) * 4096 }
    var sizes: [MemoryLevel: Int] = [:]
    if let l1 = machine.cacheSize(level: 1) { sizes[.l1] = pages(l1.count / 3) }
    if let l2 = machine.cacheSize(level: 2) { sizes[.l2] = pages(l2.count / 2) }
    if let l3 = machine.cacheSize(level: 3) {
      sizes[.l3] = pages(l3.count * 3 / 8 / machine.visibleCores)
    }
    sizes[.dram] = stretch
    return sizes
  }

  /// What DRAM is measured on in all, slice by slice: 32 times the last cache, for one that does
  /// not evict in order still holds a tenth of what lies four times its size back. Never more than
  /// an eighth of the memory.
  private static func whole(_ machine: Machine) -> Int {
    let wanted = max(1 << 30, 32 * machine.lastLevelCache.count)
    return min(wanted, machine.memoryClass.count / 8) / stretch * stretch
  }

  /// Where a stretch begins: always the same place, but in DRAM the next slice.
  private func start(_ level: MemoryLevel, _ team: any ThreadTeam) -> Int {
    guard level == .dram else { return 0 }
    let size = Self.stretch * team.threads
    slice = (slice + 1) % max(1, length / size)
    return slice * size
  }

  /// All rates of one level: medians over so many stretches, reading by the best pattern.
  package func measure(
    _ level: MemoryLevel, _ team: any ThreadTeam, stretches: Int = 7, clock: some NanosecondClock
  ) -> Ceilings.Bandwidth? {
    guard let footprint = footprints[level] else { return nil }
    let (loops, source, target) = (self.loops, self.source, self.target)
    let bytes = Int64(footprint)
    let passes = Int64(max(1, Self.stretch / footprint))
    func median(_ moved: Int, _ stretch: @escaping (_ at: Int) -> Void) -> Double {
      let rates = (0..<stretches).map { _ in
        let start = start(level, team)
        return rate(team, bytes: moved * Int(passes) * team.threads, clock: clock) {
          stretch(start + $0 * footprint)
        }
      }
      return Sample(finite: rates).median
    }
    var reads: [String: Double] = [:]
    var read = 0.0
    for pattern in Self.patterns where footprint % (pattern.streams * 256) == 0 {
      let (streams, ahead) = (Int32(pattern.streams), Int64(pattern.ahead))
      let rate = median(footprint) { loops.read(source + $0, bytes, streams, ahead, passes) }
      reads[pattern.name] = rate
      if rate > read {
        read = rate
        best[Key(level: level, threads: team.threads)] = Best(pattern: pattern, rate: rate)
      }
    }
    let fill = median(footprint) { loops.fill(target + $0, bytes, passes) }
    let past = median(footprint) { loops.fill_non_temporal(target + $0, bytes, passes) }
    // Half for each side, so that both together are as large as what was read.
    let half = footprint / 2 / 4096 * 4096
    func copyRate(
      _ copy:
        @escaping @convention(c) (
          UnsafeMutableRawPointer?, UnsafeRawPointer?, Int64, Int64
        ) -> Void
    ) -> Double {
      half > 0 ? median(2 * half) { copy(target + $0, source + $0, Int64(half), passes) } : 0
    }
    let copy = max(
      copyRate(loops.copy), level == .dram ? copyRate(loops.copy_non_temporal) : 0)
    return .init(
      level: level, threads: team.threads, footprint: Bytes(footprint), read: read,
      readBy: reads, fill: fill, fillNonTemporal: past, copy: copy)
  }

  /// Bytes per second of one short read by the pattern that was best: for the moments beside a
  /// case's blocks.
  package func probe(
    _ level: MemoryLevel, _ team: any ThreadTeam, seconds: Double, clock: some NanosecondClock
  ) -> Double? {
    let known = best[Key(level: level, threads: team.threads)]
    guard let footprint = footprints[level], let known else { return nil }
    let (loops, source) = (self.loops, self.source)
    let each = known.rate / Double(team.threads) * seconds
    let passes = max(1, Int64(each) / Int64(footprint))
    let start = start(level, team)
    func read(_ part: Int, _ passes: Int64) {
      loops.read(
        source + start + part * footprint, Int64(footprint), Int32(known.pattern.streams),
        Int64(known.pattern.ahead), passes)
    }
    // The case in between took these lines' places: a cache is filled again first. A victim cache
    // gets its lines only when the level above it lets go of them, on the second pass.
    if level != .dram { team.run { read($0, 2) } }
    return rate(team, bytes: footprint * Int(passes) * team.threads, clock: clock) {
      read($0, passes)
    }
  }

  /// What one thread moves in one stretch: milliseconds in any level.
  private static let stretch = 128 << 20

  private func rate(
    _ team: any ThreadTeam, bytes: Int, clock: some NanosecondClock, _ body: @escaping (Int) -> Void
  ) -> Double {
    let start = clock.now()
    team.run(body)
    return Double(bytes) / max(1e-9, Double(clock.now() - start) / 1e9)
  }
}
