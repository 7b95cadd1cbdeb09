import Glibc
package import Quantities

/// What a program's end had to do with memory, as far as anything that was recorded says so.
package enum ProgramVerdict: Hashable, Sendable {
  case endedWell
  /// The kernel killed so many of its processes at the limit that was put over them.
  case ourLimit(Bytes, kills: Int)
  /// The kernel killed so many of its processes, and not for that limit.
  case outerLimit(kills: Int)
  /// It was killed, and all that is known is that the kernel killed so many for want of memory meanwhile.
  case machine(kills: Int)
  case refused(By, said: String?)
  case timedOut
  /// Nothing that was recorded says that memory was the reason.
  case notMemory

  /// Who refused an allocation.
  package enum By: Hashable, Sendable {
    case ourLimit(Bytes)
    /// A limit that was there before: the option of `ulimit` that shows it.
    case inherited(Bytes, option: String)
    /// No limit was over the program: it asked for more than the machine grants, or than it grants itself.
    case noLimit
  }
}

extension ProgramDiagnosis {
  package var verdict: ProgramVerdict {
    // A shell whose command was killed leaves by itself, and may say that all is well.
    if let group = group.value, let kills = group.kills.value, kills > 0 {
      // The group counts kills of its processes whichever limit they were for, one above it too.
      guard limits.mechanism == .controlGroup, let asked = limits.asked, wasFull(group, asked)
      else { return .outerLimit(kills: kills) }
      return .ourLimit(asked, kills: kills)
    }
    if ending.isGood { return .endedWell }
    if case .timedOut = ending { return .timedOut }
    if wasKilled, let kills = machineKills.value, kills > 0 { return .machine(kills: kills) }
    if let said = complaints.first { return .refused(whoRefused, said: said) }
    if case .signaled(let signal) = ending, Self.ofAllocation.contains(signal), isAtDataLimit {
      return .refused(whoRefused, said: nil)
    }
    return .notMemory
  }

  /// Whether the group came to its limit. A kernel may count no hits where it kills at once, so what was
  /// charged is asked, too.
  private func wasFull(_ group: GroupEvents, _ limit: Bytes) -> Bool {
    if let hits = group.limitHits.value, hits > 0 { return true }
    return group.peak.value.map { $0 + .mebibytes(1) >= limit } ?? true
  }

  /// A shell answers 137 for a command of its own that SIGKILL ended.
  private var wasKilled: Bool { [.signaled(SIGKILL), .exited(128 + SIGKILL)].contains(ending) }

  /// A refused allocation that nobody looks at ends a program so.
  private static let ofAllocation: Set<Int32> = [SIGABRT, SIGSEGV, SIGILL, SIGTRAP]

  private var whoRefused: ProgramVerdict.By {
    if limits.mechanism == .dataSize, let asked = limits.asked { return .ourLimit(asked) }
    if let data = limits.data { return .inherited(data, option: "-d") }
    if let space = limits.addressSpace { return .inherited(space, option: "-v") }
    return .noLimit
  }

  /// Within a mebibyte of it: what is asked for in one piece may be refused well below.
  private var isAtDataLimit: Bool {
    guard let data = limits.data, let highest = limits.highestData else { return false }
    return highest + .mebibytes(1) >= data
  }
}
