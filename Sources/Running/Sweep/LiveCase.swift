import Foundation
import Glibc
import Kernels
import Measuring
import Planning
import Quantities
import Records
import Statistics
import SystemPackage
import Workloads

/// One case in one child, from the parent's side: what was asked, what came back, how it ended.
final class LiveCase {
  let planned: PlannedCase
  let choice: CeilingChoice?
  private(set) var record: Record
  private(set) var isOver = false
  private(set) var child: (any Child)?

  private let setting: SweepSetting
  private let host: any Host
  private let name: String
  private var limit: SystemMemoryLimit?
  private let killsBefore: Int?
  private var prepared: Prepared?
  private var blocks: [Record.Block] = []
  private var samples: [Sample] = []
  private var spent = 0.0
  private var missed: String?
  private var lastSeen = MemoryWatch.unseen
  /// What its ledger says, once it is gone.
  private var account: LedgerSnapshot?

  init(_ planned: PlannedCase, run: Int, setting: SweepSetting) {
    self.planned = planned
    self.setting = setting
    host = setting.host
    choice = CeilingChoice(
      work: planned.work, threads: planned.threads, cache: planned.cache,
      machine: setting.machine, ceilings: setting.ceilings)
    record = Record(case: planned.case, run: run, outcome: .ok)
    record.variant = planned.variant
    record.threads = planned.threads
    record.group = planned.group
    record.merged = planned.merged
    record.work = planned.work
    record.predicted = planned.predicted
    record.misfit = planned.misfit
    name = setting.nextName()
    limit = planned.memoryLimit == nil ? nil : host.makeMemoryLimit(name: name)
    killsBefore = host.kills()
  }

  private var ledgerPath: FilePath { host.folder.appending("\(name).ledger") }

  /// The user's own command that is the case's variant, if one is.
  private var command: String? {
    planned.variant.hasPrefix(VariantDescription.command)
      ? String(planned.variant.dropFirst(VariantDescription.command.count)) : nil
  }

  /// What goes wrong with a child is the case's end, not the sweep's.
  private func forgiving(_ body: () async throws -> Void) async throws {
    do {
      try await body()
    } catch let failure as ChildFailure {
      isOver = true
      switch failure {
      case .ended(let ending): record.outcome = see(ending).outcome
      case .told(_, let check):
        record.check = check ?? record.check
        record.outcome = failure.outcome(of: command)
      case .unusable: record.outcome = failure.outcome(of: command)
      }
    }
  }

  /// Starts the child and lets it allocate, pack, check and warm up.
  func prepare() async throws { try await forgiving { try await prepareChild() } }

  private func prepareChild() async throws {
    let child = try await ChildFailure.telling {
      try await host.start(
        command.map { try WorkerCommand($0) } ?? WorkerCommand(program: setting.program),
        name: name, patience: setting.timeout)
    }
    self.child = child
    let order = WorkOrder(
      workload: planned.case.workload, problem: OrderedProblem(planned.problem.axes),
      variant: planned.variant, threads: planned.threads, cpus: setting.cpus,
      cache: planned.cache, seed: setting.seed, memoryLimit: planned.memoryLimit,
      ledger: ledgerPath.string, systemLimit: limit,
      sampling: .init(block: setting.sampling.block, sample: setting.sampling.sample),
      lastLevelCache: setting.machine.lastLevelCache,
      dump: command == nil && record.run == 0 ? setting.dump?.order(of: planned.case) : nil)
    let prepared = try await watchingMemory(of: child) {
      try await child.ask(
        .prepare(order: order), timeout: setting.timeout, while: "preparing"
      ) { if case .prepared(let prepared) = $0 { prepared } else { nil } }
    }
    self.prepared = prepared
    record.preparation = prepared.preparation
    record.library = prepared.library
    record.check = prepared.check
    if let failure = prepared.check?.failure {
      record.outcome = .failedCheck(reason: failure)
      isOver = true
    }
  }

  private func watchingMemory<Value>(of child: any Child, _ body: () async throws -> Value)
    async throws -> Value
  {
    guard limit != nil else { return try await body() }
    let watch = host.watchMemory(of: child.process)
    do {
      let value = try await body()
      lastSeen = await watch.end()
      return value
    } catch {
      lastSeen = await watch.end()
      throw error
    }
  }

  /// One block between two probes.
  func sample(
    round: Int, before: Record.Probe, probeAfter: () async throws -> Record.Probe
  ) async throws -> Record.Probe {
    guard let child, let prepared else { return before }
    let start = host.clock.now()
    var answered: [Double]?
    try await forgiving {
      answered = try await ChildFailure.telling {
        let samples = try await child.ask(
          .sample(), timeout: setting.timeout, while: "sampling"
        ) { if case .block(let samples) = $0 { samples } else { nil } }
        if let defect = Record.Block.defect(calls: prepared.calls, samples: samples) {
          throw ChildFault.impossible(defect)
        }
        return samples
      }
    }
    guard let samples = answered else { return before }
    let after = try await probeAfter()
    let block = Record.Block(
      round: round, calls: prepared.calls, samples: samples, before: before, after: after)
    blocks.append(block)
    self.samples.append(try Sample(block.perCall))
    spent += Double(host.clock.now() - start) / 1e9
    let rule = StoppingRule(within: setting.within, budget: setting.budget.value)
    if case .stop(let missed) = rule.decision(after: self.samples, elapsed: spent) {
      // While the machine moves, an interval that is narrow enough means little: the case is
      // sampled again, for as long as its budget lasts.
      isOver = missed != nil || spent >= setting.budget.value || !machineMoved
      self.missed = missed
    }
    if blocks.reduce(0, { $0 + $1.samples.count }) >= Self.maxSamples {
      isOver = true
      self.missed = self.missed ?? "\(Self.maxSamples) samples were taken"
    }
    return after
  }

  /// What a line of the run file has room for: a worker's samples may be as short as it likes.
  private static let maxSamples = 300_000

  private var machineMoved: Bool {
    let probes = blocks.flatMap { [$0.before, $0.after] }
    return [probes.map(\.flopsPerSecond), probes.compactMap(\.bytesPerSecond)]
      .compactMap { try? Sample($0) }.contains { ProbeDrift(probes: $0).moved }
  }

  /// Ends the child and completes the record.
  func finish() async throws {
    defer {
      try? FileManager.default.removeItem(atPath: ledgerPath.string)
      if let limit { host.remove(limit) }
      limit = nil
    }
    if let prepared, let choice, !blocks.isEmpty {
      record.timing = Record.Timing(
        clockCost: prepared.clockCost, warmUp: prepared.warmUp, blocks: blocks,
        ceiling: choice.use.value, ceilingUnavailable: choice.use.reason, cache: planned.cache,
        rotation: prepared.rotation, criterionMissed: missed)
    }
    guard let child else { return }
    try await takeLeave(of: child)
    if record.outcome == .ok {
      let ending = await child.end()
      // Its figures are there: one that left by itself or was ended has taken none of them along.
      if case .signaled(let signal) = ending, signal != SIGKILL {
        record.outcome =
          ChildEnding(
            ending: ending, doing: "leaving", lastWords: await child.lastWords() ?? ""
          ).outcome
      }
    } else {
      _ = await child.stop()
    }
    takeAccount()
    try? FileManager.default.removeItem(
      atPath: host.folder.appending("\(name).stderr").string)
  }

  /// Asks for what is left to say.
  private func takeLeave(of child: any Child) async throws {
    guard record.memory == nil, record.lastWords == nil, record.outcome == .ok || command == nil
    else { return }
    do {
      let finished = try await child.ask(
        .finish, timeout: setting.timeout, while: "leaving"
      ) { if case .finished(let finished) = $0 { finished } else { nil } }
      record.memory = finished.memory
      record.counters = finished.counters
      record.training = finished.training
      if let onset = finished.training?.onset { record.outcome = .failedCheck(reason: onset) }
    } catch ChildFailure.ended {
      // Whoever asked looks at how it ended, whether it answered or not.
    } catch let failure as ChildFailure {
      record.outcome = failure.outcome(of: command)
    }
  }

  /// The child went while it was asked something: adds what was seen of its memory, and reads what it
  /// left.
  private func see(_ ending: ChildEnding) -> ChildEnding {
    record.lastWords = ending.lastWords
    takeAccount()
    var ending = ending
    ending.groupKills = limit.flatMap { host.kills(in: $0) } ?? 0
    ending.machineKills = (host.kills() ?? 0) - (killsBefore ?? 0)
    ending.dataSize = lastSeen.value
    ending.limit = account?.dataLimit
    ending.live = account?.liveWords
    return ending
  }

  /// The ledger outlives its child, which may have told of its memory itself.
  private func takeAccount() {
    guard command == nil, let account = try? LedgerSnapshot(path: ledgerPath.string) else { return }
    self.account = account
    if record.memory == nil {
      record.memory = Record.Memory(after: account, limit: planned.memoryLimit, lastSeen: lastSeen)
    }
    if !account.timeline.isEmpty { record.timeline = account.timeline.map { .init($0) } }
  }
}
