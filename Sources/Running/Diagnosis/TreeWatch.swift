import CLinux
import Glibc
import Measuring
import Quantities
import Records

/// Looks at a program's memory again and again until the first process of it has ended.
struct TreeWatch {
  /// What was seen of it.
  struct Seen: Sendable {
    var looks = 0
    var processes: Set<Int32> = []
    var peak: ProgramDiagnosis.ResidentPeak?
    var highWater: Reading<Bytes> = .unavailable("the program ended before it was looked at")
    var highestData: Bytes?
    var limits: ProcessLimits?
    /// `ru_maxrss`, with what had no part in it.
    var atEnd: Bytes?
    var duration = Seconds(0)
  }

  private let tree: ProcessTree
  private let interval: Seconds
  private let clock: any NanosecondClock
  /// A word of the starter's command line that the program's own does not have.
  private let starterMark: String
  private let hasTerminal: Bool

  init(
    _ tree: ProcessTree, interval: Seconds, starterMark: String, hasTerminal: Bool,
    clock: any NanosecondClock = MonotonicClock()
  ) {
    self.tree = tree
    self.interval = interval
    self.starterMark = starterMark
    self.hasTerminal = hasTerminal
    self.clock = clock
  }

  /// - Parameters:
  ///   - begin: called once the program has taken its starter's place.
  ///   - each: called after each look.
  func run(begin: () -> Void, each: () -> Void) async throws -> Seen {
    var seen = Seen()
    var start: Int?
    let created = clock.now()
    while true {
      var resident: Int64 = 0
      if hr_peek_ended(tree.root, &resident) != 0 {
        seen.atEnd = resident > 0 ? Bytes(Int(resident)) : nil
        seen.duration = Seconds(nanoseconds: clock.now() - (start ?? created))
        return seen
      }
      if start == nil, hasBegun {
        start = clock.now()
        begin()
        seen.limits = ProcessLimits.read(process: tree.root)
      }
      if let start {
        look(&seen, after: Seconds(nanoseconds: clock.now() - start))
        each()
      }
      // The starter is ready in some hundredths of a second, and the program may be as quick.
      let pause = start == nil ? min(interval, Seconds(0.002)) : interval
      try await Task.sleep(for: .seconds(pause.value))
    }
  }

  private var hasBegun: Bool {
    guard let words = FileSource.system.text("/proc/\(tree.root)/cmdline") else { return false }
    return !words.isEmpty && !words.contains(starterMark)
  }

  private func look(_ seen: inout Seen, after: Seconds) {
    let members = tree.members()
    let statuses = tree.statuses(of: members)
    seen.looks += 1
    seen.processes.formUnion(members)
    let highest = seen.peak?.resident ?? .zero
    if let peak = tree.resident(in: statuses, above: highest, after: after) { seen.peak = peak }
    for (process, memory) in statuses {
      if process == tree.root, case .measured = memory.residentPeak {
        seen.highWater = memory.residentPeak
      }
      if let data = memory.data.value { seen.highestData = max(data, seen.highestData ?? .zero) }
    }
    // Nobody waits for it to be stopped at the terminal: it would stand there for ever.
    if hasTerminal, ProcessActivity.read(process: tree.root).state.value == "T" {
      kill(-tree.root, SIGCONT)
    }
  }
}
