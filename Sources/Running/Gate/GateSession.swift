package import Comparing
import Foundation
import Kernels
import Measuring
package import Planning
package import Quantities
package import Records
import Statistics

/// Two builds before the gate, from plan to verdict: blocks are run for as long as the judge asks
/// for them.
package final class GateSession {
  /// What a gate is started with, beside its plan.
  package struct Options: Sendable {
    package var cpus: [Int]
    /// Over what the suite says.
    package var tolerated: Double?
    package var detected: Double?
    package var rule = GateRule.standard
    /// Over what the suite says: after it no block is run, and what is undecided is inconclusive.
    package var time: Seconds?
    package var trial = GateTrialWork()
    /// What is known of the machine's relinks, or why nothing is.
    package var relinkFloor: Reading<Double>

    package init(cpus: [Int], relinkFloor: Reading<Double>) {
      self.cpus = cpus
      self.relinkFloor = relinkFloor
    }
  }

  /// What a gate says while it runs.
  package enum Event: Sendable {
    case round(SuiteJudge.Stage, open: Int, of: Int, blocks: Int)
    /// What the result has now that it did not have before.
    case added(GateResult.Entry)
  }

  private let plan: Plan
  private let builds: Sides<GateBuild>
  /// Base and its copy.
  private let nullBuilds: Sides<GateBuild>
  private let options: Options
  private let runner: PairRunner
  private let clock: any NanosecondClock
  private let machine: Machine
  private let conditions: Conditions
  /// The cases that both builds have.
  private let cases: [PlannedCase]
  private let tolerances: [GateTolerance]
  private let unjudged: [JudgedCase]
  private var judge: SuiteJudge
  private var blocks: [[PairedBlock]]
  private var null: [PairedBlock] = []
  private var counts: [Sides<[ExactMetrics]>]
  private var failures: [Int: String] = [:]
  /// The cases that time ended.
  private var limits: [Int: Seconds] = [:]
  private var random: SplitMix64

  package static func open(_ plan: Plan, base: String, head: String, _ options: Options)
    async throws -> GateSession
  {
    // Both sides of a block, those of the next one, and one that ends.
    try SystemLimits.checkFiles(children: 5)
    let timeout = plan.measure.timeout
    let host = try SystemHost()
    let builds = Sides(
      base: try await GateBuild.open(base, side: Side.base.rawValue, on: host, timeout: timeout),
      head: try await GateBuild.open(head, side: Side.head.rawValue, on: host, timeout: timeout))
    let machine = MachineReader().read(visibleCores: ThreadPool.allowedCPUs.count)
    return try GateSession(
      plan, builds, copy: try builds.base.copied(to: host.folder), options, on: host,
      machine: machine,
      conditions: ConditionsReader().read(visibleCores: machine.visibleCores))
  }

  /// - Parameter copy: base once more, elsewhere: what it is compared with in the null case.
  package init(
    _ plan: Plan, _ builds: Sides<GateBuild>, copy: GateBuild, _ options: Options,
    on host: any Host, machine: Machine, conditions: Conditions
  ) throws {
    self.plan = plan
    self.builds = builds
    self.options = options
    self.machine = machine
    self.conditions = conditions
    clock = host.clock
    nullBuilds = Sides(base: builds.base, head: copy)
    runner = PairRunner(
      setting: GateSetting(
        host: host, cpus: options.cpus, seed: plan.measure.seed,
        timeout: plan.measure.timeout, lastLevelCache: machine.lastLevelCache))
    var cases: [PlannedCase] = []
    var unjudged: [JudgedCase] = []
    for planned in plan.cases {
      if planned.isCompetitor {
        unjudged.append(
          .unjudged(planned.case.id, .skipped, "another library's speed is not head's"))
      } else if let missing = builds.base.lacks(planned.case) {
        unjudged.append(.unjudged(planned.case.id, .new, "base has not \(missing)"))
      } else if let missing = builds.head.lacks(planned.case) {
        unjudged.append(.unjudged(planned.case.id, .vanished, "head has not \(missing)"))
      } else {
        cases.append(planned)
      }
    }
    unjudged += plan.skips.map { .unjudged($0.case.id, .skipped, $0.reason) }
    self.cases = cases
    self.unjudged = unjudged
    tolerances = try cases.map { planned in
      let low = options.tolerated ?? planned.gate.tolerated
      let high = options.detected ?? planned.gate.detected
      guard let tolerance = GateTolerance(tolerated: low, detected: high) else {
        throw GateFault.noRoom(planned.case.id)
      }
      return tolerance.raised(by: options.relinkFloor.value ?? 0)
    }
    judge = SuiteJudge(
      cases: zip(cases, tolerances).map { ($0.case.id, $1) }, hasNull: !cases.isEmpty,
      rule: options.rule)
    blocks = Array(repeating: [], count: cases.count)
    counts = Array(repeating: Sides(base: [], head: []), count: cases.count)
    // Not the runner's coin.
    random = SplitMix64(seed: SplitMix64.scrambled(plan.measure.seed))
  }

  /// Runs blocks until every case is decided; `on` is told, and may keep what there is.
  package func run(on event: (Event) throws -> Void) async throws {
    do {
      try await runRounds(on: event)
    } catch {
      await runner.end()
      throw error
    }
    await runner.end()
  }

  private func runRounds(on event: (Event) throws -> Void) async throws {
    let started = clock.now()
    func isOver(_ time: Seconds) -> Bool {
      Double(clock.now() - started) / 1e9 > time.value
    }
    let limit = options.time ?? plan.suite.gate.time
    while true {
      let open = judge.open
      if open.isEmpty { return }
      try event(.round(judge.stage, open: open.count, of: cases.count, blocks: null.count))
      if let limit, isOver(limit) { return close(at: limit) }
      try await takeNull(on: event)
      let order = random.shuffled(open)
      for index in order {
        if let limit, isOver(limit) { return close(at: limit) }
        if limit == nil, judge.cases[index].fresh.count >= options.rule.confirmUsual,
          isOver(GateRule.usualTime)
        {
          judge.close(index)
        } else {
          try await take(index, isLast: index == order.last, on: event)
        }
      }
    }
  }

  /// Ends all that is undecided.
  private func close(at limit: Seconds) {
    for index in judge.open { limits[index] = limit }
    judge.close()
  }

  /// What there is so far, whole at any time.
  package var result: GateResult {
    let cells = cases.indices.map { index in
      GateResult.Cell(
        name: cases[index].case.id, tolerance: tolerances[index], blocks: blocks[index],
        findings: findings(of: index))
    }
    return GateResult(
      suite: .init(
        name: plan.suite.name, about: plan.suite.about, text: plan.suite.text,
        overrides: plan.suite.overrides),
      machine: machine, conditions: conditions, base: builds.base.build, head: builds.head.build,
      relinkFloor: options.relinkFloor, seed: plan.measure.seed,
      cells: cells + unjudged.map { GateResult.Cell($0) }, null: null, judge: judge)
  }

  private func findings(of index: Int) -> CaseFindings {
    var findings = CaseFindings()
    findings.budget = cases[index].gate.budget
    findings.areOutputsExact = cases[index].gate.areOutputsExact == true
    findings.failure = failures[index]
    findings.limit = limits[index]
    if !counts[index].base.isEmpty {
      findings.exact = ExactComparison(base: counts[index].base, head: counts[index].head)
    }
    return findings
  }

  private func take(_ index: Int, isLast: Bool, on event: (Event) throws -> Void) async throws {
    let name = cases[index].case.id
    do {
      let isFirst = counts[index].base.isEmpty
      let pair = try await runner.run(
        cases[index], of: builds, isChecked: isFirst,
        trial: options.trial.concerns(name) ? options.trial : GateTrialWork(),
        next: isLast && takesNull ? nullBuilds : builds)
      blocks[index].append(pair.block)
      counts[index].base.append(pair.counts.base)
      counts[index].head.append(pair.counts.head)
      judge.take(pair.block.difference, for: index)
      try event(
        .added(
          .block(
            cell: name, times: pair.block, base: pair.counts.base, head: pair.counts.head)))
    } catch let failure as SideFailure {
      failures[index] = failure.text
      judge.close(index, because: "a side did not end well")
      try event(.added(.failure(cell: name, reason: failure.text)))
    }
  }

  private var takesNull: Bool {
    null.count < options.rule.screenMost + options.rule.confirmUsual
  }

  /// Base against its copy, on the first case, a block in each round.
  private func takeNull(on event: (Event) throws -> Void) async throws {
    guard takesNull, let first = cases.indices.first(where: { failures[$0] == nil }) else { return }
    do {
      let pair = try await runner.run(
        cases[first], of: nullBuilds, isChecked: false, next: builds)
      null.append(pair.block)
      judge.takeNull(pair.block.difference)
      try event(.added(.null(times: pair.block)))
    } catch is SideFailure {
      // The case itself will say so.
    }
  }
}
