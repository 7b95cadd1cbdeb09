package import Kernels
package import Quantities

/// An update of parameters by their gradients: each call is a step of the same ones.
///
/// The parameters are the kernel's own, since a step changes them; after each step it leaves some of them where
/// they are checked. States are as after some steps, but those of 8 bits, which begin with 0, so that their
/// rounding does not show in the step that is checked.
///
/// - Shapes, error and source: as of `Optimizer`.
/// - Work: with states of 0 to 8 bytes a number, 12 to 28 bytes; memory binds, so that the share of the ceiling is
///   one of DRAM's, where all of it does not fit a cache.
package enum OptimizerWorkload: Workload {
  /// A rule and how much it goes through.
  package struct Problem: Codable, Hashable, Sendable {
    package let rule: Optimizer.Rule
    /// Numbers of the parameter.
    package let n: Int

    /// Any count from 1 up makes a problem.
    package init(rule: Optimizer.Rule = .adamw, n: Int) {
      self.rule = rule
      self.n = n
    }

    /// At this rate a step moves a weight far enough for all of its parts to show beside roundings.
    fileprivate var optimizer: Optimizer { Optimizer(rule, rate: 0.01) }
    fileprivate var stretches: Stretches { Stretches(count: n) }
  }

  /// `gradient` is n in fp32; `updated` are some of the weights after a step.
  package struct Operands: OperandSet {
    package let gradient: Tensor
    package let updated: Tensor
    fileprivate let start: StartingValues

    package var operands: [Operand] {
      [Operand("gradient", gradient, .input), Operand("updated", updated, .output)]
    }
  }

  package static let name = "optimizer"
  package static let about = "a step of an optimizer through a parameter and its states"
  package static let smallest = Problem(n: 4357)
  package static let defaults = ["rule": "adamw"]
  /// A step changes the weights.
  package static let isRepeatable = false

  package static let variants: [Variant<OptimizerWorkload>] = {
    [.reference()]
      + InstructionSet.having(.trainingSteps).map { set in
        Variant(set) { try UpdateKernel($0, $1, set, $2) }
      }
  }()

  package static func workBound(of problem: Problem) -> Double { 64 * product(problem.n) }

  /// Of `adamw` 3 flops make the first state and 4 the second, 8 the weight, a root and two quotients among them;
  /// states of 8 bits are besides multiplied by one scale and divided by another. Gradient, weights and states are
  /// read, the last two written.
  package static func work(of problem: Problem) -> Work {
    let flops =
      switch problem.rule {
      case .sgd: 3
      case .momentum: 5
      case .adamw: 15
      case .adamw8: 19
      }
    let (floats, states) = (
      ElementType.fp32.bytes(of: problem.n), problem.rule.stateBytes(of: problem.n)
    )
    return Work(
      flops: flops * problem.n, bytesRead: floats + floats + states,
      bytesWritten: floats + states, format: .fp32)
  }

  package static func operands(
    for problem: Problem, seed: UInt64, in ledger: MemoryLedger
  ) throws -> Operands {
    let gradient = try ledger.tensor(.fp32, [problem.n], .gradients)
    gradient.fillUniform(seed: seed)
    let stretches = problem.stretches
    return Operands(
      gradient: gradient,
      updated: try ledger.tensor(.fp32, [stretches.rows, stretches.columns], .activations),
      start: StartingValues(problem, seed: seed))
  }

  /// The longest path is that of AdamW's quotient: of states, their corrections, the root, the quotient and the
  /// rate; then the sum with the weight.
  package static func tolerance(of problem: Problem) -> Tolerance { .sum(roundings: 16) }

  package static func expectation(
    of problem: Problem, _ operands: Operands, at sample: OutputSample
  ) -> Expectation {
    let optimizer = problem.optimizer
    let (rate, decay) = (Double(optimizer.rate), Double(optimizer.decay))
    var (values, magnitudes) = ([Double](), [Double]())
    for row in sample.rows {
      for column in sample.columns {
        let index = problem.stretches.start(of: row) + column
        let weight = Double(operands.start.weight(index)) * (1 - rate * decay)
        let (step, size) = step(
          optimizer, gradient: Double(operands.gradient[index]),
          first: Double(operands.start.first(index)), second: Double(operands.start.second(index)))
        values.append(weight - rate * step)
        magnitudes.append(abs(weight) + rate * size)
      }
    }
    return Expectation(values: values, magnitudes: magnitudes)
  }

  /// What a first step is, before the rate, and the magnitude of its terms.
  private static func step(
    _ optimizer: Optimizer, gradient: Double, first: Double, second: Double
  ) -> (step: Double, size: Double) {
    let (beta1, beta2) = (Double(optimizer.beta1), Double(optimizer.beta2))
    switch optimizer.rule {
    case .sgd: return (gradient, abs(gradient))
    case .momentum: return (beta1 * first + gradient, beta1 * abs(first) + abs(gradient))
    case .adamw, .adamw8:
      let mean = beta1 * first + (1 - beta1) * gradient
      let size = beta1 * abs(first) + (1 - beta1) * abs(gradient)
      let square = beta2 * second + (1 - beta2) * gradient * gradient
      let root = (square / (1 - beta2)).squareRoot() + Double(optimizer.epsilon)
      return (mean / (1 - beta1) / root, size / (1 - beta1) / root)
    }
  }

  /// Which weights are checked: all of a few, of many 256 stretches of 16, the first and the last among them.
  fileprivate struct Stretches {
    let count: Int
    var rows: Int { count <= 4096 ? 1 : 256 }
    var columns: Int { count <= 4096 ? count : 16 }
    func start(of row: Int) -> Int { rows == 1 ? 0 : row * (count - columns) / (rows - 1) }
  }

  /// Weights and states before the first step, each by its index.
  fileprivate struct StartingValues {
    private let seed: UInt32
    private let rule: Optimizer.Rule
    private let isNarrow: Bool

    init(_ problem: Problem, seed: UInt64) {
      self.seed = hash32(UInt32(truncatingIfNeeded: seed >> 32), UInt32(truncatingIfNeeded: seed))
      rule = problem.rule
      isNarrow = rule.isNarrow(problem.n)
    }

    func weight(_ index: Int) -> Float { uniform(seed &+ 1, index) }
    func first(_ index: Int) -> Float { isNarrow ? 0 : uniform(seed &+ 2, index) }
    func second(_ index: Int) -> Float { isNarrow ? 0 : abs(uniform(seed &+ 3, index)) }

    func fill(_ weights: Tensor, _ states: Allocation?) {
      let (count, w) = (weights.count, weights.pointer(to: Float.self))
      for index in 0..<count { w[index] = weight(index) }
      guard let states, !isNarrow else { return }
      let numbers = states.start.assumingMemoryBound(to: Float.self)
      for index in 0..<count { numbers[index] = first(index) }
      guard rule != .momentum else { return }
      for index in 0..<count { numbers[count + index] = second(index) }
    }
  }

  private final class UpdateKernel: Kernel {
    private let problem: Problem
    private let operands: Operands
    private let instructions: InstructionSet
    private let pool: ThreadPool
    private let weights: Tensor
    /// Nil where the rule has none.
    private let states: Allocation?
    private var steps = 0

    init(
      _ problem: Problem, _ operands: Operands, _ instructions: InstructionSet,
      _ execution: Execution
    ) throws {
      self.problem = problem
      self.operands = operands
      self.instructions = instructions
      pool = execution.pool
      weights = try execution.ledger.tensor(.fp32, [problem.n], .weights)
      let bytes = problem.rule.stateBytes(of: problem.n)
      states = bytes > .zero ? try execution.ledger.allocate(bytes, role: .optimizer) : nil
      if !execution.ledger.isPlan { operands.start.fill(weights, states) }
    }

    func run() {
      steps += 1
      let optimizer = problem.optimizer
      let w = weights.pointer(to: Float.self)
      optimizer.run(
        Optimizer.Operands(
          w: w, states: states?.start, gradient: operands.gradient.pointer(to: Float.self),
          count: problem.n),
        step: steps, rate: optimizer.rate, instructions: instructions, pool: pool)
      let (stretches, to) = (problem.stretches, operands.updated.pointer(to: Float.self))
      for row in 0..<stretches.rows {
        (to + row * stretches.columns).update(
          from: w + stretches.start(of: row), count: stretches.columns)
      }
    }
  }
}
