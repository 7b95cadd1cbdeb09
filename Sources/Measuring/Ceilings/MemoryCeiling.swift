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
  /// Levels that the buffers are too small for, with the reason.
  package let unavailable: [MemoryLevel: String]
  private let loops: hr_memory_loops
  private let source: ProbeBuffer
  /// Written to while everything is measured, and not by the probes after that.
  private var target: ProbeBuffer?
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
  package init?(machine: Machine, threads: Int, room: ProbeRoom) {
    let sizes = ProbeSizes(machine: machine, threads: threads, room: room)
    // Pages that were never written are all the same page of zeros, and would lie in L1.
    guard let source = ProbeBuffer(length: sizes.length, filledWith: 1),
      let target = ProbeBuffer(length: sizes.length, filledWith: 2)
    else { return nil }
    footprints = sizes.footprints
    unavailable = sizes.unavailable
    length = sizes.length
    self.source = source
    self.target = target
    loops = hr_memory_loops_for(hr_cpu_features())
  }

  /// Ends measuring; from now on there are probes alone, and no longer of DRAM where the largest case
  /// would lack the memory.
  package func keepProbes(threads: Int, within room: ProbeRoom) {
    target = nil
    guard room.isShort(beside: Bytes(length)) else { return }
    let cached = footprints.filter { $0.key != .dram }.values.max() ?? 0
    source.shorten(to: min(length, cached * threads))
    best = best.filter { $0.key.level != .dram }
  }

  /// Where a stretch begins: always the same place, but in DRAM the next slice.
  private func start(_ level: MemoryLevel, _ team: any ThreadTeam) -> Int {
    guard level == .dram else { return 0 }
    let size = (footprints[.dram] ?? ProbeSizes.stretch) * team.threads
    slice = (slice + 1) % max(1, length / size)
    return slice * size
  }

  /// All rates of one level: medians over so many stretches, reading by the best pattern.
  package func measure(
    _ level: MemoryLevel, _ team: any ThreadTeam, stretches: Int = 7, clock: some NanosecondClock
  ) -> Ceilings.Bandwidth? {
    guard let footprint = footprints[level], let target = target?.start else { return nil }
    let (loops, source) = (self.loops, source.start)
    let bytes = Int64(footprint)
    let passes = Int64(max(1, ProbeSizes.stretch / footprint))
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
    let (loops, source) = (self.loops, source.start)
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

  private func rate(
    _ team: any ThreadTeam, bytes: Int, clock: some NanosecondClock, _ body: @escaping (Int) -> Void
  ) -> Double {
    let start = clock.now()
    team.run(body)
    return Double(bytes) / max(1e-9, Double(clock.now() - start) / 1e9)
  }
}
