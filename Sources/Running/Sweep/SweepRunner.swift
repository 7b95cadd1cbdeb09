import Measuring
package import Planning
package import Quantities
package import Records
import Statistics

/// Runs a plan's cases, each in a child, and hands out records as they are finished.
package struct SweepRunner {
  package let setting: SweepSetting
  package let prober: ProberProcess

  /// What a sweep says while it runs.
  package enum Event: Sendable {
    /// A unit (a case, or an interleaved group) begins; seconds are what is likely left.
    case started([PlannedCase], done: Int, of: Int, left: Seconds)
    case finished(Record)
  }

  package init(setting: SweepSetting, prober: ProberProcess) {
    self.setting = setting
    self.prober = prober
  }

  /// - Parameter isDone: cases that a resumed run already holds, by id and process.
  package func run(
    _ plan: Plan, isDone: (String, Int) -> Bool, on event: (Event) throws -> Void
  ) async throws {
    let units = plan.shuffled(seed: setting.seed)
    let started = setting.host.clock.now()
    func expected(_ cases: [PlannedCase]) -> Double {
      cases.reduce(0) { $0 + plan.estimate(of: $1).total.value }
    }
    var pace = Pace(
      expected: expected(plan.cases) * Double(setting.runs),
      total: plan.cases.count * setting.runs)
    var pruning = Pruning()
    for run in 0..<setting.runs {
      for unit in units {
        let left = unit.filter { !isDone($0.case.id, run) }
        for planned in left {
          guard let reason = pruning.reason(for: planned) else { continue }
          try event(
            .finished(Record(case: planned.case, run: run, outcome: .skipped(reason: reason))))
        }
        let open = left.filter { pruning.reason(for: $0) == nil }
        let done = unit.filter { isDone($0.case.id, run) }
        pace.skip(done.count, expected: expected(done))
        guard !open.isEmpty else { continue }
        let elapsed = Double(setting.host.clock.now() - started) / 1e9
        try event(
          .started(open, done: pace.done, of: pace.total, left: pace.left(after: elapsed)))
        for (planned, record) in zip(open, try await measure(open, run: run)) {
          pruning.take(planned, record.outcome)
          try event(.finished(record))
        }
        pace.finish(open.count, expected: expected(open))
      }
    }
  }

  /// A case, or several whose samples are taken in turns.
  private func measure(_ unit: [PlannedCase], run: Int) async throws -> [Record] {
    let cases = unit.map { LiveCase($0, run: run, setting: setting) }
    do {
      for live in cases { try await live.prepare() }
      try await takeTurns(cases, run: run)
      for live in cases { try await live.finish() }
    } catch {
      // Nothing may be left running, and no file or group behind.
      for live in cases {
        _ = await live.child?.stop()
        try? await live.finish()
      }
      throw error
    }
    return cases.map(\.record)
  }

  private func takeTurns(_ cases: [LiveCase], run: Int) async throws {
    var generator = SplitMix64(seed: setting.seed &+ UInt64(run))
    var round = 0
    var last: (kind: ProbeKind, probe: Record.Probe)?
    while true {
      let open = cases.filter { !$0.isOver }
      if open.isEmpty { return }
      for live in generator.shuffled(open) {
        guard let choice = live.choice else { throw Fault("there is no ceiling for this case") }
        let others = cases.filter { $0 !== live }.compactMap { $0.child?.process }
        if !others.isEmpty { await setting.host.stillness(of: others) }
        // Blocks in a row share the probe between them, where it was of the same kind.
        let kind = choice.probe
        let before: Record.Probe
        if let last, last.kind == kind {
          before = last.probe
        } else {
          before = try await prober.probe(kind)
        }
        let after = try await live.sample(round: round, before: before) {
          try await prober.probe(kind)
        }
        last = (kind, after)
      }
      round += 1
    }
  }
}

/// How long the rest will take: as was expected at first, and as much longer or shorter later as what is done
/// took than was expected of it.
private struct Pace {
  let total: Int
  private(set) var done = 0
  /// Seconds that were expected: of what is left, and of what was measured.
  private var left: Double
  private var measured = 0.0

  init(expected: Double, total: Int) {
    self.total = total
    left = expected
  }

  mutating func skip(_ count: Int, expected: Double) {
    done += count
    left -= expected
  }

  mutating func finish(_ count: Int, expected: Double) {
    done += count
    left -= expected
    measured += expected
  }

  func left(after elapsed: Double) -> Seconds {
    Seconds(max(0, left) * (measured > 0 ? elapsed / measured : 1))
  }
}
