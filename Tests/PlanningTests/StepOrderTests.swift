import Kernels
import MemoryPlanning
import Planning
import Quantities
import Testing

/// What more or less of something does to the closed form of a step: facts that need no expected number.
@Suite struct StepOrderTests {
  static let seeds: Range<UInt64> = 100..<140

  private func plan(_ values: [String: String]) throws -> MemoryPlan {
    func count(_ key: String) -> Int { values[key].flatMap { Int($0) } ?? 1 }
    let memory = StepMemory(
      try StepStructure(axes: values), batch: count("batch"), tokens: count("tokens"),
      accumulation: count("accumulation"))
    return try #require(try memory.plan(instructions: .portable, threads: DrawnStep.threads))
  }

  @Test(arguments: seeds, ["batch", "tokens", "layers"])
  func `more of anything never takes less`(seed: UInt64, axis: String) throws {
    var values = DrawnStep(seed: seed).values
    // More layers have more checkpoints then, with fewer layers between.
    if axis == "layers", values["checkpointing"] == "sqrt" { values["checkpointing"] = "block" }
    let number = try #require(values[axis].flatMap { Int($0) })
    var before = try plan(values).peak
    for more in [number + 1, number + 7, 2 * number + 7] {
      let after = try plan(values.merging([axis: "\(more)"]) { $1 }).peak
      #expect(after >= before, "\(axis) \(more)")
      before = after
    }
  }

  @Test(arguments: seeds)
  func `a higher rank never takes less`(seed: UInt64) throws {
    var values = DrawnStep(seed: seed).values.merging(["base": "bf16"]) { $1 }
    if values["precision"] == "bf16-pure" { values["precision"] = "bf16" }
    let peaks = try [1, 2, 3, 8, 64].map { rank in
      try plan(values.merging(["adapter": "lora(\(rank))"]) { $1 }).peak
    }
    #expect(peaks == peaks.sorted())
  }

  @Test(arguments: seeds)
  func `gradients that stay for another micro-batch never take less`(seed: UInt64) throws {
    let values = DrawnStep(seed: seed).values.merging(["update": "separate"]) { $1 }
    let once = try plan(values.merging(["accumulation": "1"]) { $1 }).peak
    let twice = try plan(values.merging(["accumulation": "2"]) { $1 }).peak
    #expect(twice >= once)
  }

  @Test(arguments: seeds)
  func `block checkpointing never has more on the way forward than none`(seed: UInt64) throws {
    let values = DrawnStep(seed: seed).values
    let none = try plan(values.merging(["checkpointing": "none"]) { $1 })
    let block = try plan(values.merging(["checkpointing": "block"]) { $1 })
    #expect(block.total(in: .forward) <= none.total(in: .forward))
  }

  @Test(arguments: seeds)
  func `roles add up to the peak, which is the largest of the phases`(seed: UInt64) throws {
    var solver = FitSolver(threads: DrawnStep.threads)
    let answer = try solver.answer(DrawnStep(seed: seed).setting(), isExplained: true)
    #expect(answer.byRole.values.reduce(.zero, +) == answer.best)
    #expect(answer.phases.map(\.bytes).max() == answer.best)
    #expect(answer.terms.map(\.bytes).reduce(.zero, +) == answer.best)
    #expect(answer.isExact)
  }
}

/// States shared among devices.
@Suite struct SharedStatesTests {
  private func bytes(_ weights: Int, stage: Int, world: Int, layers: Int? = nil) -> Int {
    var setting = ParallelSetting()
    (setting.world, setting.zero) = (world, stage)
    // Two layers are gathered at a time.
    let gathered = stage == 3 ? layers.map { 2 * 2 * weights / $0 } : nil
    return SharedStates.perDevice(
      weights: 2 * weights, gradients: 2 * weights, optimizer: 12 * weights,
      largest: gathered ?? 0, setting)
  }

  @Test(arguments: [2, 8, 64], [124_000_000, 6_738_415_616, 70_553_706_496])
  func `a device never has more of the states at a higher stage of ZeRO`(world: Int, weights: Int) {
    let stages = (0...3).map { bytes(weights, stage: $0, world: world, layers: 32) }
    #expect(stages == stages.sorted(by: >))
  }

  /// Rajbhandari et al., "ZeRO" (2020), figure 1: 7.5 billion weights on 64 devices, in GB.
  @Test(arguments: [(0, 120), (1, 31.4), (2, 16.6), (3, 1.9)])
  func `a device has what the paper says`(stage: Int, gigabytes: Double) {
    let found = Double(bytes(7_500_000_000, stage: stage, world: 64)) / 1e9
    #expect(abs(found - gigabytes) <= 0.05)
  }
}
