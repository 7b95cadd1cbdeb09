import Comparing
import Measuring
import Planning
import Quantities
import Statistics

/// Runs blocks of two builds, in turns that a coin puts in order.
final class PairRunner {
  private let setting: GateSetting
  /// The coin's, and the environment's padding.
  private var random: SplitMix64
  /// The next block's processes, started while this block's are made ready: they wait in their read
  /// before its first turn.
  private var started: StartedPair?

  init(setting: GateSetting) {
    self.setting = setting
    random = SplitMix64(seed: setting.seed)
  }

  /// A block: a fresh process a side, both made ready, then `A B B A`, or `B A A B`, again and again, as
  /// the coin says.
  ///
  /// - Parameter next: whose block is likely to be the next one.
  func run(
    _ planned: PlannedCase, _ base: GateBuild, _ head: GateBuild, isChecked: Bool,
    trial: GateTrialWork = GateTrialWork(), next: (base: GateBuild, head: GateBuild)? = nil
  ) async throws -> (block: PairedBlock, base: ExactMetrics, head: ExactMetrics) {
    let pair = try await pair(base, head)
    let plan = next.map { planStart($0.base, $0.head) }
    let setting = setting
    async let following = plan?.start(setting)
    do {
      var sides: [Int: GateSide] = [:]
      // Who is made ready first follows the coin, too.
      for side in pair.isHeadFirst ? [1, 0] : [0, 1] {
        sides[side] = try await SideFailure.naming(side) {
          try await GateSide.prepare(
            pair.children[side], planned, setting: setting, isChecked: isChecked,
            trial: side == 0 ? GateTrialWork() : trial)
        }
      }
      let ready = [0, 1].compactMap { sides[$0] }
      started = try? await following
      let block = try await turns(
        ready, of: GateSetting.turn(of: planned), threads: planned.threads,
        extraWork: trial.extraWork, isHeadFirst: pair.isHeadFirst)
      async let baseMetrics = SideFailure.naming(0) { try await ready[0].finish() }
      async let headMetrics = SideFailure.naming(1) { try await ready[1].finish() }
      return (block, try await baseMetrics, try await headMetrics)
    } catch {
      await pair.stop()
      started = try? await following
      throw error
    }
  }

  /// Ends the processes that no block took.
  func end() async {
    await started?.stop()
    started = nil
  }

  /// What was started for these builds, or a pair that is started now.
  private func pair(_ base: GateBuild, _ head: GateBuild) async throws -> StartedPair {
    if let ahead = started {
      started = nil
      if ahead.programs == [base.program, head.program] { return ahead }
      await ahead.stop()
    }
    return try await planStart(base, head).start(setting)
  }

  private func planStart(_ base: GateBuild, _ head: GateBuild) -> StartPlan {
    StartPlan(
      programs: [base.program, head.program], isHeadFirst: random.next() & 1 == 1,
      padding: [random.next(under: 4096), random.next(under: 4096)])
  }

  private func turns(
    _ sides: [GateSide], of turn: Seconds, threads: Int, extraWork: Double, isHeadFirst: Bool
  ) async throws -> PairedBlock {
    // Counts of one's own would give the faster side longer turns.
    var calls = sides.map(\.prepared.calls).max() ?? 1
    // Extra work must be a whole number of calls: of 5 %, one for each 20.
    let least = (1...100).first { abs((Double($0) * extraWork).remainder(dividingBy: 1)) < 1e-9 }
    calls = (calls + (least ?? 100) - 1) / (least ?? 100) * (least ?? 100)
    let pace = sides.map(\.pace).max() ?? 0.1
    let samples = max(1, Int((turn.value / (pace * Double(calls))).rounded(.up)))
    let rounds = GateSetting.rounds(
      turn: turn, taking: pace * Double(calls * samples), threads: threads)
    var seconds: [[Double]] = [[], []]
    for _ in 0..<rounds {
      for side in isHeadFirst ? [1, 0, 0, 1] : [0, 1, 1, 0] {
        // A thread alone sleeps in its read; a pool spins a while after a call.
        if threads > 1 { await stillness(of: [sides[1 - side].child.process]) }
        seconds[side].append(
          try await SideFailure.naming(side) {
            try await sides[side].turn(calls: calls, samples: samples)
          })
      }
    }
    return PairedBlock(base: seconds[0], head: seconds[1], alternating: true)
  }
}

/// What went wrong on one side of a block.
struct SideFailure: Error {
  let side: String
  let reason: String

  init(_ reason: String, side: Int) {
    self.side = side == 0 ? "base" : "head"
    self.reason = reason
  }

  /// Runs a side's part; what goes wrong there is the side's failure, but an interruption is none.
  static func naming<Value>(_ side: Int, _ part: () async throws -> Value) async throws -> Value {
    do {
      return try await part()
    } catch let failure as GateSide.Failure {
      try Task.checkCancellation()
      throw SideFailure(failure.reason, side: side)
    } catch let failure as any FaultConvertible {
      try Task.checkCancellation()
      throw SideFailure(failure.fault.what, side: side)
    }
  }
}
