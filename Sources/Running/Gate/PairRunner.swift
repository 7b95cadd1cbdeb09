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
    _ planned: PlannedCase, of builds: Sides<GateBuild>, isChecked: Bool,
    trial: GateTrialWork = GateTrialWork(), next: Sides<GateBuild>? = nil
  ) async throws -> (block: PairedBlock, counts: Sides<ExactMetrics>) {
    let pair = try await pair(of: builds)
    let plan = next.map { planStart(of: $0) }
    let setting = setting
    async let following = plan?.start(setting)
    do {
      func ready(_ side: Side) async throws -> GateSide {
        try await SideFailure.naming(side) {
          try await GateSide.prepare(
            pair.children[side], planned, setting: setting, isChecked: isChecked,
            trial: side == .base ? GateTrialWork() : trial)
        }
      }
      // Who is made ready first follows the coin, too.
      let sides = Sides(pair.first, try await ready(pair.first), try await ready(pair.first.other))
      started = try? await following
      let block = try await turns(
        sides, of: GateSetting.turn(of: planned), threads: planned.threads,
        extraWork: trial.extraWork, first: pair.first)
      async let base = SideFailure.naming(.base) { try await sides.base.finish() }
      async let head = SideFailure.naming(.head) { try await sides.head.finish() }
      return (block, Sides(base: try await base, head: try await head))
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
  private func pair(of builds: Sides<GateBuild>) async throws -> StartedPair {
    if let ahead = started {
      started = nil
      if ahead.programs == builds.map(\.program) { return ahead }
      await ahead.stop()
    }
    return try await planStart(of: builds).start(setting)
  }

  private func planStart(of builds: Sides<GateBuild>) -> StartPlan {
    StartPlan(
      programs: builds.map(\.program), first: random.next() & 1 == 1 ? .head : .base,
      padding: Sides(base: random.next(under: 4096), head: random.next(under: 4096)))
  }

  private func turns(
    _ sides: Sides<GateSide>, of turn: Seconds, threads: Int, extraWork: Double, first: Side
  ) async throws -> PairedBlock {
    // Counts of one's own would give the faster side longer turns.
    var calls = max(sides.base.prepared.calls, sides.head.prepared.calls)
    // Extra work must be a whole number of calls: of 5 %, one for each 20.
    let least = (1...100).first { abs((Double($0) * extraWork).remainder(dividingBy: 1)) < 1e-9 }
    calls = (calls + (least ?? 100) - 1) / (least ?? 100) * (least ?? 100)
    let pace = max(sides.base.pace, sides.head.pace)
    let samples = max(1, Int((turn.value / (pace * Double(calls))).rounded(.up)))
    let rounds = GateSetting.rounds(
      turn: turn, taking: pace * Double(calls * samples), threads: threads)
    var seconds = Sides<[Double]>(base: [], head: [])
    for _ in 0..<rounds {
      for side in [first, first.other, first.other, first] {
        // A thread alone sleeps in its read; a pool spins a while after a call.
        if threads > 1 { await setting.host.stillness(of: [sides[side.other].child.process]) }
        seconds[side].append(
          try await SideFailure.naming(side) {
            try await sides[side].turn(calls: calls, samples: samples)
          })
      }
    }
    return PairedBlock(base: seconds.base, head: seconds.head, alternating: true)
  }
}
