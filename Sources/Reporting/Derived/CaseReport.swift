package import Quantities
package import Records

/// One case in finished numbers, its processes taken together.
package struct CaseReport: Sendable {
  package let `case`: Case
  /// The worst of its processes' outcomes.
  package let outcome: Outcome
  /// What `best` was resolved to.
  package let variant: Reading<String>
  package let threads: Reading<Int>
  /// Cases that resolved to the same work and were not run again.
  package let merged: [String]
  package let work: Reading<Work>
  package let preparation: Reading<Record.Preparation>
  package let latency: Reading<Latency>
  package let throughput: Reading<Throughput>
  package let ceiling: Reading<CeilingShare>
  package let clock: Reading<ClockDrift>
  package let counters: [String: Reading<Double>]
  package let memory: MemoryAccount
  /// What was live over the time of the process that ended worst.
  package let timeline: Reading<[Record.TimelinePoint]>
  /// The check that came nearest to its tolerance, or passed it by most.
  package let check: Reading<Record.Check>
  /// The library of others that the variant calls, by its own account.
  package let library: String?
  package private(set) var versus: Reading<Versus>
  /// What the steps of a training case told.
  package let training: TrainingAccount?
  /// The interleaved group that it took its turns in.
  let group: Int?
  /// Block medians by process and round.
  let rounds: [Int: Double]
  package let lastWords: String?
  /// The cases in whose place it was tried, where those ran out of memory.
  package let mended: [Record.Mended]

  /// Nothing without records.
  ///
  /// - Parameter records: one case's, in the order of its processes.
  package init?(records: [Record]) {
    guard let first = records.first,
      let worst = records.max(by: { $0.outcome.severity < $1.outcome.severity })
    else { return nil }
    let outcome = worst.outcome
    func reading<Value>(_ value: Value?, _ noun: String) -> Reading<Value> {
      guard let value else { return .unavailable(Self.absence(of: noun, outcome)) }
      return .measured(value)
    }

    self.case = first.case
    self.outcome = outcome
    variant = reading(records.firstValue(\.variant), "variant")
    library = records.firstValue(\.library)
    threads = reading(records.firstValue(\.threads), "number of threads")
    merged = first.merged
    work = reading(records.firstValue(\.work), "work")
    preparation = reading(records.firstValue(\.preparation), "preparation")
    check = reading(
      records.compactMap(\.check).max { $0.ofTolerance < $1.ofTolerance }, "check")
    counters = records.firstValue(\.counters) ?? [:]
    memory = MemoryAccount(records: records, absence: Self.absence(of: "memory account", outcome))
    timeline = reading(worst.timeline, "timeline")
    lastWords = worst.lastWords
    mended = records.compactMap(\.mended)
    training = records.firstValue(\.training).map(TrainingAccount.init)
    group = first.group
    rounds = Versus.rounds(records)
    versus = .unavailable("no other variant took turns with it")

    let timings = records.filter { $0.outcome == .ok }.compactMap(\.timing)
    guard !timings.isEmpty else {
      let reason = Self.absence(of: "timing", outcome)
      latency = .unavailable(reason)
      throughput = .unavailable(reason)
      ceiling = .unavailable(reason)
      clock = .unavailable(reason)
      return
    }
    latency = Latency.reading(of: timings)
    throughput = Throughput.reading(of: work, latency: latency)
    ceiling = CeilingShare.reading(of: work, timings: timings)
    clock = ClockDrift.reading(of: timings)
  }

  /// The same case, set beside the others of its interleaved group.
  func set(beside others: [[Record]], own: [Record]) -> CaseReport {
    var copy = self
    if let versus = Versus(of: own, beside: others) { copy.versus = .measured(versus) }
    return copy
  }

  private static func absence(of noun: String, _ outcome: Outcome) -> String {
    outcome == .ok ? "the record holds no \(noun)" : "no \(noun): \(outcome)"
  }
}

extension Record.Check {
  /// The error as a multiple of the tolerance; at most 1 passes.
  package var ofTolerance: Double { relative == 0 ? 0 : relative / tolerance }
}

extension Outcome {
  /// A wrong result is worse than none, and one that nobody asked for is no failure.
  fileprivate var severity: Int {
    switch self {
    case .ok: 0
    case .skipped: 1
    case .timedOut: 2
    case .outOfMemory: 3
    case .crashed: 4
    case .failedCheck: 5
    }
  }
}

extension [Record] {
  fileprivate func firstValue<Value>(_ value: (Record) -> Value?) -> Value? {
    lazy.compactMap(value).first
  }
}
