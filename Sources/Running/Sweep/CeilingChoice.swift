package import Quantities
package import Records

/// Which of the machine's ceilings a case is held against.
package struct CeilingChoice: Sendable {
  /// Unavailable where the level that holds the case was not measured.
  package let use: Reading<Record.CeilingUse>
  /// Whether memory takes at least half as long as arithmetic, so that it may come to bind.
  package let memoryCanBind: Bool
  /// What is measured beside the case's blocks.
  let probe: ProbeKind

  /// The compute ceiling belongs to the work's format; the bandwidth is that of the smallest
  /// level that holds what one call touches, and DRAM's for a cold case.
  ///
  /// L1 and L2 are each core's own: a call by several threads splits its bytes over them.
  package init?(
    work: Work, threads: Int, cache: CacheState, machine: Machine, ceilings: Ceilings
  ) {
    guard let compute = ceilings.compute(work.format, threads: threads) else { return nil }
    let level = Self.level(work, threads: threads, cache: cache, machine: machine)
    let bandwidth =
      ceilings.bandwidth(level, threads: threads) ?? ceilings.bandwidth(.dram, threads: threads)
    guard let bandwidth else {
      guard let reason = ceilings.unavailable?[level] ?? ceilings.unavailable?[.dram] else {
        return nil
      }
      use = .unavailable("the bandwidth of \(level.label) was not measured: \(reason)")
      memoryCanBind = false
      probe = ProbeKind(unit: compute.unit, level: level, threads: threads, isOfMemory: false)
      return
    }
    let use = Record.CeilingUse(
      unit: compute.unit, level: bandwidth.level, threads: threads,
      flopsPerSecond: compute.flopsPerSecond, readPerSecond: bandwidth.read,
      fillPerSecond: bandwidth.bestFill)
    let arithmetic = Double(work.flops) / use.flopsPerSecond
    let memory =
      Double(work.bytesRead.count) / use.readPerSecond
      + Double(work.bytesWritten.count) / use.fillPerSecond
    self.use = .measured(use)
    memoryCanBind = memory >= arithmetic / 2
    probe = ProbeKind(
      unit: use.unit, level: use.level, threads: threads, isOfMemory: memoryCanBind)
  }

  private static func level(_ work: Work, threads: Int, cache: CacheState, machine: Machine)
    -> MemoryLevel
  {
    if cache == .cold { return .dram }
    let total = work.workingSet
    let share = Bytes(total.count / threads)
    if let l1 = machine.cacheSize(level: 1), share <= l1 { return .l1 }
    if let l2 = machine.cacheSize(level: 2), share <= l2 { return .l2 }
    if let l3 = machine.cacheSize(level: 3), total <= l3 { return .l3 }
    return .dram
  }
}
