import Kernels
import Testing
import Training

/// Twenty steps against PyTorch's in fp64: see `optimizers.py`.
struct OptimizerGoldenTests {
  private static let steps = 20

  private static func cases() throws -> [OptimizerGolden] {
    try GoldenFile<OptimizerGolden>.cases("optimizers")
  }

  /// A step moves a weight by up to the rate, times a quotient that is off by its gradient's error, 1e-6 of
  /// it: after 20 steps of 0.01 that is some 1e-6 where errors pull one way, and more where a gradient is close
  /// to 0 and AdamW divides it by its own size. Momentum makes ten steps of each.
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
      #expect(abs(loss - golden.losses[step]) < 1e-5 * golden.losses[step], "step \(step)")
      if golden.norms != nil { norms.append(session.step.report.gradientNorm ?? .nan) }
    }
    if let expected = golden.norms {
      for (step, norm) in expected.enumerated() {
        #expect(abs(norms[step] - norm) < 1e-5 * norm, "step \(step)")
      }
    }
    let weights = session.weights
    for (name, expected) in golden.weights {
      let farthest = zip(weights[name] ?? [], expected.values).map { abs($0 - $1) }.max()
      #expect(farthest ?? .infinity < 1e-5, "\(name)")
    }
  }

  @Test(arguments: try cases())
  func `rates are those of another implementation`(golden: OptimizerGolden) {
    let schedule = golden.setup.options.schedule
    for (step, rate) in golden.rates.enumerated() {
      #expect(abs(golden.optimizer.rate * schedule.factor(at: step) - rate) < 1e-15)
    }
  }

  @Test func `a rate that has come to 0 stays there`() {
    for shape in [RateSchedule.Shape.linear, .cosine] {
      let schedule = RateSchedule(shape, warmUp: 4, steps: 20)
      #expect((schedule.factor(at: 20), schedule.factor(at: 21)) == (0, 0))
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
