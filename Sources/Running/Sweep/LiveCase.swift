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
  private(set) var child: ChildProcess?

  private let setting: SweepSetting
  private let ledgerPath: FilePath
  private let limit: SystemMemoryLimit?
  private let killsBefore: Int?
  private var prepared: Prepared?
  private var blocks: [Record.Block] = []
  private var samples: [Sample] = []
  private var spent = 0.0
  private var missed: String?
  private var lastSeen: Reading<Bytes> = .unavailable("the child was not looked at")

  init(_ planned: PlannedCase, run: Int, setting: SweepSetting) {
    self.planned = planned
    self.setting = setting
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
    let name = setting.nextName()
    ledgerPath = setting.folder.path.appending("\(name).ledger")
    limit = planned.memoryLimit.map { _ in
      SystemMemoryLimit.choose(leafName: "headroom-\(getpid())-\(name)")
    }
    if let group = limit?.groupPath { Leftovers.enter(group: group) }
    killsBefore = MachineKills.count()
  }

  /// The user's own command that is the case's variant, if one is.
  private var command: String? {
    planned.variant.hasPrefix(VariantDescription.command)
      ? String(planned.variant.dropFirst(VariantDescription.command.count)) : nil
  }

  /// What goes wrong with a child is the case's end, not the sweep's.
  private func forgiving(_ body: () async throws -> Void) async throws {
    do {
      try await body()
    } catch let error as CancellationError {
      throw error
    } catch ChildFault.silent(let patience) {
      try Task.checkCancellation()
      isOver = true
      record.outcome = .timedOut(reason: "no hello within \(patience)")
    } catch {
      try Task.checkCancellation()
      isOver = true
      let reason = (error as? any FaultConvertible)?.fault.what ?? "\(error)"
      record.outcome = .crashed(
        signal: command == nil ? "worker" : "command",
        reason: command.map { "'\($0)': \(reason)" } ?? reason)
    }
  }

  /// Starts the child and lets it allocate, pack, check and warm up.
  func prepare() async throws { try await forgiving { try await prepareChild() } }

  private func prepareChild() async throws {
    let child = try await ChildProcess.start(
      command.map { try WorkerCommand($0) } ?? WorkerCommand(program: setting.program),
      folder: setting.folder.path, name: ledgerPath.lastComponent?.stem ?? "case",
      patience: setting.timeout)
    self.child = child
    let order = WorkOrder(
      workload: planned.case.workload, problem: try WireLine.text(of: planned.problem.axes),
      variant: planned.variant, threads: planned.threads, cpus: setting.cpus,
      cache: planned.cache, seed: setting.seed, memoryLimit: planned.memoryLimit,
      ledger: ledgerPath.string, systemLimit: limit,
      sampling: .init(block: setting.sampling.block, sample: setting.sampling.sample),
      lastLevelCache: setting.machine.lastLevelCache)
    let watch = limit == nil ? nil : MemoryWatch(process: child.process)
    let answer = try await child.ask(.prepare(order: order), timeout: setting.timeout)
    if let watch { lastSeen = await watch.end() }
    switch answer {
    case .prepared(let prepared):
      self.prepared = prepared
      record.preparation = prepared.preparation
      record.library = prepared.library
      record.check = prepared.check
      if let failure = prepared.check?.failure {
        record.outcome = .failedCheck(reason: failure)
        isOver = true
      }
    case .failed(let outcome, let check):
      record.outcome = outcome
      record.check = check
      isOver = true
    case nil: await takeEnding(while: "preparing")
    default: throw ChildFault.impossible("what it was not asked for")
    }
  }

  /// One block between two probes.
  func sample(
    round: Int, before: Record.Probe, probeAfter: () async throws -> Record.Probe
  ) async throws -> Record.Probe {
    guard let child, let prepared else { return before }
    let start = MonotonicClock().now()
    var answered: [Double]?
    try await forgiving {
      switch try await child.ask(.sample(), timeout: setting.timeout) {
      case .block(let samples):
        if let defect = Record.Block.defect(calls: prepared.calls, samples: samples) {
          throw ChildFault.impossible(defect)
        }
        answered = samples
      case .failed(let outcome, _):
        record.outcome = outcome
        isOver = true
      case nil: await takeEnding(while: "sampling")
      default: throw ChildFault.impossible("what it was not asked for")
      }
    }
    guard let samples = answered else { return before }
    let after = try await probeAfter()
    let block = Record.Block(
      round: round, calls: prepared.calls, samples: samples, before: before, after: after)
    blocks.append(block)
    self.samples.append(try Sample(block.perCall))
    spent += Double(MonotonicClock().now() - start) / 1e9
    let rule = StoppingRule(within: setting.within, budget: setting.budget.value)
    if case .stop(let missed) = rule.decision(after: self.samples, elapsed: spent) {
      // While the machine moves, an interval that is narrow enough means little: the case is
      // sampled again, for as long as its budget lasts.
      isOver = missed != nil || spent >= setting.budget.value || !machineMoved
      self.missed = missed
    }
    if blocks.reduce(0, { $0 + $1.samples.count }) >= Self.mostSamples {
      isOver = true
      self.missed = self.missed ?? "\(Self.mostSamples) samples were taken"
    }
    return after
  }

  /// What a line of the run file has room for: a worker's samples may be as short as it likes.
  private static let mostSamples = 300_000

  private var machineMoved: Bool {
    let probes = blocks.flatMap { [$0.before, $0.after] }
    return [probes.map(\.flopsPerSecond), probes.compactMap(\.bytesPerSecond)]
      .compactMap { try? Sample($0) }.contains { ProbeDrift(probes: $0).moved }
  }

  /// Ends the child and completes the record.
  func finish() async throws {
    defer {
      try? FileManager.default.removeItem(atPath: ledgerPath.string)
      limit?.remove()
      if let group = limit?.groupPath { Leftovers.leave(group: group) }
    }
    if let prepared, let choice, !blocks.isEmpty {
      record.timing = Record.Timing(
        clockCost: prepared.clockCost, warmUp: prepared.warmUp, blocks: blocks,
        ceiling: choice.use, cache: planned.cache, rotation: prepared.rotation,
        criterionMissed: missed)
    }
    guard let child else { return }
    if command != nil, record.outcome != .ok { kill(-child.process, SIGKILL) }
    if record.memory == nil, record.lastWords == nil, record.outcome == .ok || command == nil {
      try await forgiving {
        if case .finished(let finished) = try await child.ask(.finish, timeout: setting.timeout) {
          record.memory = finished.memory
          record.counters = finished.counters
        }
      }
    }
    if record.outcome == .ok {
      let ending = await child.end()
      if case .signaled(let signal) = ending, signal != SIGKILL {
        record.outcome =
          ChildEnding(ending: ending, doing: "leaving", lastWords: await child.lastWords() ?? "")
          .outcome
      }
    } else {
      _ = await child.stop()
    }
    if record.memory == nil { takeAccount() }
    try? FileManager.default.removeItem(
      atPath: setting.folder.path.appending("\(ledgerPath.lastComponent?.stem ?? "case").stderr")
        .string)
  }

  /// The child went while it was asked something: says how, and reads what it left.
  private func takeEnding(while doing: String) async {
    isOver = true
    guard let child else { return }
    let ending = await child.end()
    record.lastWords = await child.lastWords() ?? ""
    takeAccount()
    let kills = MachineKills.count()
    record.outcome =
      ChildEnding(
        ending: ending, timedOut: await child.timedOut, timeout: setting.timeout, doing: doing,
        lastWords: record.lastWords ?? "",
        groupKills: limit?.outOfMemoryKills().value ?? 0,
        machineKills: (kills ?? 0) - (killsBefore ?? 0),
        dataSize: lastSeen.value, limit: (try? LedgerSnapshot(path: ledgerPath.string))?.dataLimit
      ).outcome
  }

  /// The ledger outlives its child.
  private func takeAccount() {
    guard let account = try? LedgerSnapshot(path: ledgerPath.string) else { return }
    record.memory = Record.Memory(after: account, limit: planned.memoryLimit, lastSeen: lastSeen)
  }
}

/// Looks at a child's data size now and then, since a killed one cannot be asked.
private final class MemoryWatch {
  private let task: Task<Reading<Bytes>, Never>

  init(process: Int32) {
    task = Task {
      var seen: Reading<Bytes> = .unavailable("the child was not looked at")
      while !Task.isCancelled {
        if case .measured(let data) = ProcessMemory.read(process: process).data {
          seen = .measured(data)
        }
        // Twenty looks a second, and only while it prepares: never beside a timed block.
        try? await Task.sleep(for: .milliseconds(50))
      }
      return seen
    }
  }

  func end() async -> Reading<Bytes> {
    task.cancel()
    return await task.value
  }
}

/// Kills for want of memory that the machine counted since it started.
enum MachineKills {
  static func count(from files: FileSource = .system) -> Int? {
    files.text("/proc/vmstat")?.split(separator: "\n")
      .first { $0.hasPrefix("oom_kill ") }
      .flatMap { Int($0.dropFirst("oom_kill ".count)) }
  }
}
