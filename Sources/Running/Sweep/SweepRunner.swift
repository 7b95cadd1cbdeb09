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
    var pace = Pace(
      expected: plan.estimatedSecondsPerCase.value / Double(setting.runs),
      total: plan.cases.count * setting.runs)
    for run in 0..<setting.runs {
      for unit in units {
        let open = unit.filter { !isDone($0.case.id, run) }
        pace.skip(unit.count - open.count)
        guard !open.isEmpty else { continue }
        let elapsed = Double(setting.host.clock.now() - started) / 1e9
        try event(
          .started(open, done: pace.done, of: pace.total, left: pace.left(after: elapsed)))
        for record in try await measure(open, run: run) { try event(.finished(record)) }
        pace.finish(open.count)
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

/// How long the rest will take: by what was expected at first, by what it took later.
private struct Pace {
  let expected: Double
  let total: Int
  private(set) var done = 0
  private var measured = 0

  init(expected: Double, total: Int) {
    self.expected = expected
    self.total = total
  }

  mutating func skip(_ count: Int) { done += count }

  mutating func finish(_ count: Int) {
    done += count
    measured += count
  }

  func left(after elapsed: Double) -> Seconds {
    let each = measured > 0 ? elapsed / Double(measured) : expected
    return Seconds(each * Double(total - done))
  }
}
