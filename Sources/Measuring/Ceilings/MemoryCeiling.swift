import CLinux
import CMicrokernels
import Quantities
package import Records

/// Reads, fills and copies of a buffer that lies in one level of memory, by all threads of a crew.
package final class MemoryCeiling {
  /// How a buffer is read: streams side by side, and how far ahead lines are asked for.
  package struct Pattern: Hashable, Codable, Sendable {
    package let streams: Int
    package let ahead: Int
  }

  private static let patterns = [
    Pattern(streams: 1, ahead: 0), Pattern(streams: 2, ahead: 0), Pattern(streams: 4, ahead: 0),
    Pattern(streams: 1, ahead: 1024), Pattern(streams: 2, ahead: 1024),
    Pattern(streams: 4, ahead: 1024),
  ]

  /// What one thread goes over.
  package let footprints: [MemoryLevel: Int]
  private let loops: hr_memory_loops
  private let source: UnsafeMutableRawPointer
  private let target: UnsafeMutableRawPointer
  private let length: Int
  private var best: [Key: Pattern] = [:]

  private struct Key: Hashable {
    let level: MemoryLevel
    let threads: Int
  }

  /// - Parameter threads: the most threads that will measure.
  package init?(machine: Machine, threads: Int) {
    footprints = Self.footprints(machine, threads: threads)
    length = (footprints[.dram] ?? 0) * threads
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
  /// thread's own), a fifth of what each core has of a shared L3, and four times the last level
  /// in all for DRAM.
  private static func footprints(_ machine: Machine, threads: Int) -> [MemoryLevel: Int] {
    func pages(_ bytes: Int) -> Int { max(1, bytes / 4096) * 4096 }
    var sizes: [MemoryLevel: Int] = [:]
    if let l1 = machine.cacheSize(level: 1) { sizes[.l1] = pages(l1.count / 3) }
    if let l2 = machine.cacheSize(level: 2) { sizes[.l2] = pages(l2.count / 2) }
    if let l3 = machine.cacheSize(level: 3) {
      sizes[.l3] = pages(l3.count * 2 / 5 / machine.visibleCores)
    }
    let whole = max(256 << 20, 4 * machine.lastLevelCache.count)
    sizes[.dram] = pages(whole / threads)
    return sizes
  }

  /// All rates of one level: medians of `turns` stretches, reading by the best pattern.
  package func measure(
    _ level: MemoryLevel, _ crew: any Crew, turns: Int = 7, clock: some NanosecondClock
  ) -> Ceilings.Bandwidth? {
    guard let footprint = footprints[level] else { return nil }
    let parts = crew.threads
    let (loops, source, target) = (self.loops, self.source, self.target)
    func median(_ bytesPerPass: Int, _ pass: @escaping (Int) -> Void) -> Double {
      let passes = passes(footprint)
      let rates = (0..<turns).map { _ in
        rate(crew, passes: passes, bytes: bytesPerPass * parts, clock: clock, pass)
      }
      return rates.sorted()[turns / 2]
    }
    var read = 0.0
    for pattern in Self.patterns where footprint % (pattern.streams * 4096) == 0 {
      let rate = median(footprint) { part in
        loops.read(
          source + part * footprint, Int64(footprint), Int32(pattern.streams),
          Int64(pattern.ahead))
      }
      if rate > read {
        read = rate
        best[Key(level: level, threads: parts)] = pattern
      }
    }
    let fill = median(footprint) { loops.fill(target + $0 * footprint, Int64(footprint)) }
    let past = median(footprint) {
      loops.fill_past_caches(target + $0 * footprint, Int64(footprint))
    }
    // Half for each side, so that both together are as large as what was read.
    let half = footprint / 2 / 4096 * 4096
    func copyRate(_ copy: @escaping (UnsafeMutableRawPointer, UnsafeRawPointer) -> Void) -> Double {
      half > 0 ? median(2 * half) { copy(target + $0 * half, source + $0 * half) } : 0
    }
    let copy = max(
      copyRate { loops.copy($0, $1, Int64(half)) },
      level == .dram ? copyRate { loops.copy_past_caches($0, $1, Int64(half)) } : 0)
    return .init(
      level: level, threads: parts, footprint: Bytes(footprint), read: read, fill: fill,
      fillNonTemporal: past, copy: copy)
  }

  /// Bytes per second of one short read by the pattern that was best: for the moments beside a
  /// case's blocks.
  package func probe(
    _ level: MemoryLevel, _ crew: any Crew, seconds: Double, clock: some NanosecondClock
  ) -> Double? {
    guard let footprint = footprints[level] else { return nil }
    let pattern = best[Key(level: level, threads: crew.threads)] ?? Self.patterns[0]
    let (loops, source) = (self.loops, self.source)
    // One pass to bring the level's lines in, then as many as fill the time.
    let passes = level == .dram ? 1 : max(1, Int(seconds * 20e9) / footprint)
    func pass(_ part: Int) {
      loops.read(
        source + part * footprint, Int64(footprint), Int32(pattern.streams), Int64(pattern.ahead))
    }
    if level != .dram { crew.run { pass($0) } }
    return rate(crew, passes: passes, bytes: footprint * crew.threads, clock: clock, pass)
  }

  /// About 4 ms at 16 GB/s, a pass at the least.
  private func passes(_ footprint: Int) -> Int { max(1, (64 << 20) / footprint) }

  private func rate(
    _ crew: any Crew, passes: Int, bytes: Int, clock: some NanosecondClock,
    _ pass: @escaping (Int) -> Void
  ) -> Double {
    let start = clock.now()
    crew.run { part in for _ in 0..<passes { pass(part) } }
    return Double(bytes) * Double(passes) / max(1e-9, Double(clock.now() - start) / 1e9)
  }
}
