import Comparing
import Foundation
import OrderedCollections
import Planning
import Quantities
import Records
import Statistics
import SystemPackage
import Workloads

/// One build's fresh process in a block of the gate, made ready.
struct GateSide {
  let child: any Child
  let prepared: Prepared
  private let timeout: Seconds
  private let ledger: FilePath

  /// A process that waits to be told what to do.
  static func launch(_ program: FilePath, setting: GateSetting, padding: Int) async throws
    -> any Child
  {
    try await ChildFailure.telling {
      // Where the stack begins moves with what lies above it: no side may have it to itself.
      try await setting.host.start(
        WorkerCommand(program: program), name: setting.nextName(),
        environment: ["PADDING": String(repeating: "x", count: padding)],
        patience: setting.timeout)
    }
  }

  /// Makes a launched process ready.
  static func prepare(
    _ child: any Child, _ planned: PlannedCase, setting: GateSetting, isChecked: Bool,
    trial: GateTrialWork
  ) async throws -> GateSide {
    let turn = GateSetting.turn(of: planned)
    let ledger = setting.host.folder.appending("gate-\(child.process).ledger")
    let order = WorkOrder(
      workload: planned.case.workload, problem: OrderedProblem(planned.problem.axes),
      variant: planned.case.axes[HarnessAxis.variant.rawValue]?.text ?? planned.variant,
      threads: planned.threads, cpus: setting.cpus, cache: planned.cache, seed: setting.seed,
      memoryLimit: planned.memoryLimit, ledger: ledger.string, systemLimit: nil,
      sampling: .init(block: turn, sample: setting.sample),
      lastLevelCache: setting.lastLevelCache,
      paired: .init(
        isChecked: isChecked, warmUpWindow: GateSetting.warmUpWindow(before: turn),
        warmUpWindows: setting.warmUpWindows, extraWork: trial.extraWork,
        extraBytes: trial.extraBytes))
    let prepared = try await child.ask(
      .prepare(order: order), timeout: setting.timeout, while: "preparing"
    ) { if case .prepared(let prepared) = $0 { prepared } else { nil } }
    return GateSide(child: child, prepared: prepared, timeout: setting.timeout, ledger: ledger)
  }

  private init(child: any Child, prepared: Prepared, timeout: Seconds, ledger: FilePath) {
    self.child = child
    self.prepared = prepared
    self.timeout = timeout
    self.ledger = ledger
  }

  /// Seconds a call, as the last window of the warm-up had it.
  var pace: Double { prepared.warmUp.windows.last ?? 0.1 }

  /// One turn: the median over its samples, in seconds a call.
  func turn(calls: Int, samples: Int) async throws -> Double {
    let seconds = try await child.ask(
      .sample(calls: calls, samples: samples), timeout: timeout, while: "sampling"
    ) { if case .block(let samples) = $0 { samples } else { nil } }
    return try Sample(seconds).median / Double(calls)
  }

  /// Ends the process and takes its account.
  func finish() async throws -> ExactMetrics {
    defer { try? FileManager.default.removeItem(atPath: ledger.string) }
    let finished = try await child.ask(
      .finish, timeout: timeout, while: "finishing"
    ) { if case .finished(let finished) = $0 { finished } else { nil } }
    _ = await child.end()
    return ExactMetrics(
      flops: prepared.work?.flops, allocations: finished.memory?.allocations,
      bytes: finished.memory?.ledger.peakByRole ?? [:], peak: finished.memory?.ledger.peak,
      digest: prepared.digest)
  }
}
