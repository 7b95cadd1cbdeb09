import Comparing
import Foundation
import Measuring
import OrderedCollections
import Planning
import Quantities
import Records
import Subprocess
import SystemPackage
import Workloads

/// One build's fresh process in a block of the gate, made ready.
struct GateSide {
  let child: ChildProcess
  let prepared: Prepared
  private let timeout: Seconds
  private let ledger: FilePath

  /// What went wrong on a side; the case is not judged further.
  struct Failure: Error {
    let reason: String
  }

  /// A process that waits to be told what to do.
  static func launch(_ program: FilePath, setting: GateSetting, padding: Int) async throws
    -> ChildProcess
  {
    // Where the stack begins moves with what lies above it: no side may have it to itself.
    try await ChildProcess.start(
      WorkerCommand(program: program), folder: setting.folder.path,
      name: setting.nextName(),
      environment: ["PADDING": String(repeating: "x", count: padding)], patience: setting.timeout)
  }

  /// Makes a launched process ready.
  static func prepare(
    _ child: ChildProcess, _ planned: PlannedCase, setting: GateSetting, isChecked: Bool,
    trial: GateTrialWork
  ) async throws -> GateSide {
    let turn = GateSetting.turn(of: planned)
    let ledger = setting.folder.path.appending("gate-\(child.process).ledger")
    let order = WorkOrder(
      workload: planned.case.workload, problem: try WireLine.text(of: planned.problem.axes),
      variant: planned.case.axes[HarnessAxis.variant.rawValue]?.text ?? planned.variant,
      threads: planned.threads, cpus: setting.cpus, cache: planned.cache, seed: setting.seed,
      memoryLimit: planned.memoryLimit, ledger: ledger.string, systemLimit: nil,
      sampling: .init(block: turn, sample: setting.sample),
      lastLevelCache: setting.lastLevelCache,
      paired: .init(
        isChecked: isChecked, warmUpWindow: GateSetting.warmUpWindow(before: turn),
        warmUpWindows: setting.warmUpWindows, extraWork: trial.extraWork,
        extraBytes: trial.extraBytes))
    switch try await child.ask(.prepare(order: order), timeout: setting.timeout) {
    case .prepared(let prepared):
      return GateSide(child: child, prepared: prepared, timeout: setting.timeout, ledger: ledger)
    case .failed(let outcome, _):
      throw Failure(reason: outcome.reason ?? outcome.name)
    default:
      let ending = await child.stop()
      let words = await child.lastWords() ?? ""
      throw Failure(
        reason: ChildEnding(
          ending: ending, timedOut: await child.timedOut, timeout: setting.timeout,
          doing: "preparing", lastWords: words
        ).outcome.reason ?? "it ended while preparing")
    }
  }

  private init(child: ChildProcess, prepared: Prepared, timeout: Seconds, ledger: FilePath) {
    self.child = child
    self.prepared = prepared
    self.timeout = timeout
    self.ledger = ledger
  }

  /// Seconds a call, as the last window of the warm-up had it.
  var pace: Double { prepared.warmUp.windows.last ?? 0.1 }

  /// One turn: the median over its samples, in seconds a call.
  func turn(calls: Int, samples: Int) async throws -> Double {
    guard
      case .block(let seconds) = try await child.ask(
        .sample(calls: calls, samples: samples), timeout: timeout)
    else {
      let ending = await child.stop()
      let words = await child.lastWords() ?? ""
      throw Failure(
        reason: ChildEnding(
          ending: ending, timedOut: await child.timedOut, timeout: timeout, doing: "sampling",
          lastWords: words
        ).outcome.reason ?? "it ended while sampling")
    }
    let sorted = seconds.sorted()
    let middle = sorted.count / 2
    let median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    return median / Double(calls)
  }

  /// Ends the process and takes its account.
  func finish() async throws -> ExactMetrics {
    defer { try? FileManager.default.removeItem(atPath: ledger.string) }
    guard case .finished(let finished) = try await child.ask(.finish, timeout: timeout) else {
      _ = await child.stop()
      throw Failure(reason: "it ended before it gave its account")
    }
    _ = await child.end()
    return ExactMetrics(
      flops: prepared.work?.flops, allocations: finished.memory?.allocations,
      bytes: finished.memory?.ledger.peakByRole ?? [:], peak: finished.memory?.ledger.peak,
      digest: prepared.digest)
  }
}
