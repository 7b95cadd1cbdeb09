import Kernels
import Testing
import Training

/// Twenty steps against PyTorch's in fp64: see `optimizers.py`.
struct OptimizerGoldenTests {
  private static let steps = 20

  private static func cases() throws -> [OptimizerGolden] {
    try GoldenFile<[OptimizerGolden]>.cases("optimizers")
  }

  /// A step moves a weight by up to the rate, times a quotient that is off by its gradient's error, 1e-6 or so of
  /// it: after 20 steps of 0.01 that is below 1e-5. SGD's steps of 0.1 are as long as gradients are large, whose norm
  /// is 5 here, and what they add to a weight changes the gradients that follow: ten times as much. Losses and norms
  /// follow from all weights, and some steps' norms change by several times their weights' error.
  @Test(arguments: try cases(), InstructionSet.trained)
  func `losses, norms and weights are those of another implementation`(
    golden: OptimizerGolden, instructions: InstructionSet
  ) throws {
    var setup = golden.setup
    setup.instructions = instructions
    let session = try TrainingSession(setup)
    var norms: [Double] = []
    for step in 0..<Self.steps {
      let loss = session.run(golden.tokens(step: step)).loss
      #expect(abs(loss - golden.losses[step]) < 3e-5 * golden.losses[step], "step \(step)")
      if golden.norms != nil { norms.append(session.step.report.gradientNorm ?? .nan) }
    }
    if let expected = golden.norms {
      for (step, norm) in expected.enumerated() {
        #expect(abs(norms[step] - norm) < 3e-4 * norm, "step \(step)")
      }
    }
    let weights = session.weights
    for (name, expected) in golden.weights {
      let farthest = zip(weights[name] ?? [], expected.values).map { abs($0 - $1) }.max()
      #expect(farthest ?? .infinity < (golden.name == "sgd" ? 1e-4 : 1e-5), "\(name)")
    }
  }

  @Test(arguments: try cases())
  func `rates are those of another implementation`(golden: OptimizerGolden) {
    let schedule = golden.setup.options.schedule
    for (step, rate) in golden.rates.enumerated() {
      #expect(abs(golden.optimizer.rate * schedule.factor(at: step) - rate) < 1e-15)
    }
  }

  @Test func `a rate has come to 0 after the last step`() {
    for shape in [RateSchedule.Shape.linear, .cosine] {
      #expect(RateSchedule(shape, warmUp: 4, steps: 20).factor(at: 20) == 0)
    }
  }
}

/// How the grouped model is trained, and what came of it.
struct OptimizerGolden: Decodable, Sendable, CustomTestStringConvertible {
  let name: String
  let optimizer: Options
  let losses: [Double]
  let rates: [Double]
  let weights: [String: GoldenArray]
  let norms: [Double]?
  private let maxNorm: Float?
  private let schedule: RateSchedule.Shape?

  struct Options: Decodable, Sendable {
    let name: String
    let rate: Double
    let beta1: Float?
    let beta2: Float?
    let epsilon: Float?
    let decay: Float?
    let momentum: Float?
  }

  var testDescription: String { name }
  private var isAccumulated: Bool { name == "accumulated" }

  var setup: StepSetup {
    var setup = StepSetup(.grouped)
    let rate = Float(optimizer.rate)
    if optimizer.name == "adamw" {
      setup.options.optimizer = Optimizer(
        .adamw, rate: rate, beta1: optimizer.beta1 ?? .nan, beta2: optimizer.beta2 ?? .nan,
        epsilon: optimizer.epsilon ?? .nan, decay: optimizer.decay ?? .nan)
    } else {
      let momentum = optimizer.momentum ?? .nan
      setup.options.optimizer = Optimizer(
        momentum == 0 ? .sgd : .momentum, rate: rate, beta1: momentum, decay: 0)
    }
    setup.options.clip = maxNorm
    if let schedule { setup.options.schedule = RateSchedule(schedule, warmUp: 4, steps: 20) }
    setup.accumulation = isAccumulated ? 4 : 1
    return setup
  }

  /// Of all micro-batches of a step; those of four have fewer and fewer targets.
  func tokens(step: Int) -> Tokens {
    guard isAccumulated else { return TinyModel.grouped.tokens(step: step) }
    var all = Tokens(ids: [], targets: [])
    for index in 0..<4 {
      var one = TinyModel.grouped.tokens(step: 4 * step + index)
      for place in 0..<2 * index { one.targets[place] = -100 }
      for place in 0..<index { one.targets[TinyModel.grouped.tokens + place] = -100 }
      all.ids += one.ids
      all.targets += one.targets
    }
    return all
  }
}
