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
      }
      if let start {
        look(&seen, after: Seconds(nanoseconds: clock.now() - start))
        each()
      }
      try await rest(start.map { pause(after: $0) } ?? Self.briefest)
    }
  }

  /// The starter is ready in some hundredths of a second, and the program may be as quick.
  private static let briefest = Seconds(0.002)

  /// A tenth of the time that the program has run, so that a short one is looked at some times, too.
  private func pause(after start: Int) -> Seconds {
    let elapsed = Double(clock.now() - start) / 1e9
    return min(interval, max(Self.briefest, Seconds(elapsed / 10)))
  }

  /// Sleeps, and no longer than a little after the end, which is then told to the hundredth of a second.
  private func rest(_ time: Seconds) async throws {
    let end = clock.now() + Int(time.value * 1e9)
    var resident: Int64 = 0
    while hr_peek_ended(tree.root, &resident) == 0 {
      let left = end - clock.now()
      guard left > 0 else { return }
      try await Task.sleep(for: .nanoseconds(min(left, 10_000_000)))
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
    // Read each time: a shell may lower them before another program takes its place.
    if let limits = ProcessLimits.read(process: tree.root) { seen.limits = limits }
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
