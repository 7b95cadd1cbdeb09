import Kernels
import Models
import Quantities
import Testing
import Training
import Workloads

/// A step, and what it is made of.
struct StepSetup {
  var shape: ModelShape
  var weights: any ModelWeights
  var adapters: any AdapterWeights = MadeUpAdapters(seed: 1)
  /// Of a micro-batch.
  var sequences: [Int]
  var accumulation = 1
  var options = TrainingOptions()
  var instructions = InstructionSet.trained[0]
  var threads = 1

  init(_ model: TinyModel) {
    shape = model.shape
    weights = model
    adapters = TinyAdapters(model: model)
    sequences = model.sequences
  }

  /// A model that is made up.
  init(_ shape: ModelShape, sequences: [Int]) {
    self.shape = shape
    weights = MadeUpWeights(shape, seed: 3)
    self.sequences = sequences
  }

  var rows: Int { sequences.reduce(0, +) * accumulation }

  /// Made-up ids; every fifth target is none.
  var tokens: Tokens {
    let drawn = (0...rows).map { Int(hash32(99, UInt32($0)) % UInt32(shape.vocab)) }
    return Tokens(
      ids: Array(drawn.dropLast()),
      targets: drawn.dropFirst().enumerated().map { $0 % 5 == 4 ? -100 : $1 })
  }

  /// One step on one's own tokens.
  func found(_ tokens: Tokens? = nil) throws -> StepResult {
    let session = try TrainingSession(self)
    return session.run(tokens ?? self.tokens)
  }

  func batch(in ledger: MemoryLedger) throws -> TrainingBatch {
    var prefix = 0
    if case .prefix(let tokens) = options.adapter.adapter { prefix = tokens }
    let size = [accumulation, rows / accumulation]
    return TrainingBatch(
      sequences: sequences, accumulation: accumulation, offset: prefix,
      ids: try ledger.tensor(.fp32, size, .activations),
      targets: try ledger.tensor(.fp32, size, .activations))
  }

  func step(
    _ batch: TrainingBatch, _ execution: Execution,
    onGradient: ((Int, Tensor) -> Void)? = nil
  ) throws -> TrainingStep {
    try TrainingStep(
      shape, weights: weights, adapters: adapters, batch: batch, options,
      instructions: instructions, execution, onGradient: onGradient)
  }

  /// What a step holds in each phase, without one.
  func plan() throws -> MemoryPlan {
    let execution = Execution.planning(threads: threads)
    let step = try step(try batch(in: execution.ledger), execution)
    step.rehearse()
    return execution.ledger.plan
  }

  func counts() throws -> StepCounts {
    try TrainingStep.counts(
      shape, weights: weights, adapters: adapters, batch: try batch(in: .plan()), options)
  }
}

/// What one step gave: gradients by the parameters' names.
struct StepResult: Equatable {
  let loss: Double
  let gradients: [String: [Float]]
}

/// A step that runs on tokens that it is given.
final class TrainingSession {
  let ledger: MemoryLedger
  let step: TrainingStep
  private let batch: TrainingBatch
  private let shown = Shown()

  private final class Shown { var gradients: [Int: [Float]] = [:] }

  init(_ setup: StepSetup, fence: Int = 0) throws {
    ledger = try MemoryLedger(fence: fence)
    batch = try setup.batch(in: ledger)
    step = try setup.step(
      batch, Execution(ledger: ledger, pool: try makePool(threads: setup.threads))
    ) { [shown] index, gradient in
      let numbers = gradient.pointer(to: Float.self)
      shown.gradients[index] = (0..<gradient.count).map { numbers[$0] }
    }
  }

  func run(_ tokens: Tokens) -> StepResult {
    for (tensor, numbers) in [(batch.idTensor, tokens.ids), (batch.targetTensor, tokens.targets)] {
      precondition(tensor.count == numbers.count, "as many tokens as a batch has rows")
      for (index, number) in numbers.enumerated() {
        tensor.pointer(to: Int32.self)[index] = Int32(number)
      }
    }
    shown.gradients = [:]
    step.run()
    let names = step.parameters.filter(\.isTrained).map(\.name)
    return StepResult(
      loss: step.report.loss,
      gradients: Dictionary(
        uniqueKeysWithValues: shown.gradients.map { (names[$0], $1) }))
  }

  var weights: [String: [Double]] {
    Dictionary(uniqueKeysWithValues: step.parameters.map { ($0.name, $0.doubles) })
  }
}

extension InstructionSet {
  /// Those of this machine that have loops of their own for training, the portable one first.
  static let trained = having(.training).filter { $0.missing == nil }
}

/// As many threads as are asked for, on the processors that there are.
func makePool(threads: Int) throws -> ThreadPool {
  let cpus = ThreadPool.allowedCPUs
  return try ThreadPool(
    threads: threads, cpus: (0..<threads).map { cpus[$0 % cpus.count] })
}
