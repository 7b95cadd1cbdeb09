import Kernels
import Models
import Quantities
import Records
import Training

extension TrainingStepWorkload {
  /// A step that leaves some of each gradient, and the loss, where they are checked.
  final class TrainingKernel: TrainingKernelAccount, WitnessedKernel {
    private let step: TrainingStep
    private let output: Tensor
    private let operands: Operands
    private let gradients: GradientKeeper
    private let shape: ModelShape
    private let options: TrainingOptions
    private let withoutEffect: [String]
    private var losses: [Double] = []
    private var gradientNorm: Double?
    private var lostUpdates = 0
    private var onset: String?
    private var seconds: [MemoryPhase: [Double]] = [:]

    init(
      _ problem: Problem, _ operands: Operands, _ instructions: InstructionSet,
      _ execution: Execution
    ) throws {
      let output = operands.gradients
      let gradients = GradientKeeper()
      self.output = output
      self.operands = operands
      self.gradients = gradients
      let shape = problem.shape
      self.shape = shape
      options = problem.options
      withoutEffect = problem.withoutEffect
      step = try TrainingStep(
        shape, weights: MadeUpWeights(shape, seed: operands.seed),
        adapters: adapters(problem, operands.seed),
        batch: batch(problem, ids: operands.ids, targets: operands.targets), problem.options,
        instructions: instructions, execution
      ) { index, gradient in
        gradients.take(gradient)
        let (from, to) = (gradient.pointer(to: Float.self), output.pointer(to: Float.self))
        for sample in 0..<samples {
          to[index * samples + sample] =
            from[
              place(sample, of: gradient.count, parameter: index)]
        }
      }
    }

    func run() {
      step.run()
      keep(step.report)
      let numbers = output.pointer(to: Float.self)
      for index in 0..<output.count { numbers[index] /= step.report.lossScale }
      let last = output.rows - 1
      for sample in 0..<samples {
        output.store(Float(step.report.loss), at: last * samples + sample)
      }
    }

    private func keep(_ report: TrainingStep.Report) {
      onset = onset ?? report.onset
      guard losses.count < Self.kept else { return }
      losses.append(report.loss)
      lostUpdates += report.lostUpdates
      if losses.count == 1 { gradientNorm = report.gradientNorm }
      for (phase, one) in report.seconds { seconds[phase, default: []].append(one.value) }
    }

    /// The weights as they were, the loss and all gradients of the first step, and the losses of further ones.
    func witness(furtherCalls: Int) -> [WitnessTensor] {
      let parameters = step.parameters
      let before = parameters.map { $0.doubles.map { Float($0) } }
      gradients.keeps = true
      run()
      gradients.keeps = false
      let scale = step.report.lossScale
      var losses = [step.report.loss]
      for _ in 0..<furtherCalls {
        run()
        losses.append(step.report.loss)
      }
      let weights = zip(parameters, before).map {
        WitnessTensor($0.name, [$0.rows, $0.columns], .floats($1))
      }
      let found = zip(parameters.filter(\.isTrained), gradients.kept).map { parameter, numbers in
        WitnessTensor(
          "gradient.\(parameter.name)", [parameter.rows, parameter.columns],
          .floats(numbers.map { $0 / scale }))
      }
      return weights + found + [
        WitnessTensor("ids", operands.ids.shape, .integers(operands.ids)),
        WitnessTensor("targets", operands.targets.shape, .integers(operands.targets)),
        WitnessTensor("losses", [losses.count], .doubles(losses)),
      ]
    }

    /// An adapter as PEFT reads it.
    func writeFolder(_ path: String) throws {
      guard !options.adapter.adapter.isNone else { return }
      try AdapterFolder.write(step.parameters, of: shape, options.adapter, to: path)
    }

    /// Steps whose loss and times are told.
    private static let kept = 64

    var training: Record.Training {
      let counts = step.counts
      return Record.Training(
        losses: losses, gradientNorm: gradientNorm, modelFlops: counts.modelFlops,
        executedFlops: counts.executedFlops, keptBytes: counts.keptBytes, phases: seconds,
        lostUpdates: lostShare, withoutEffect: withoutEffect, plan: step.plan, onset: onset)
    }

    /// Of all updates of weights in 16 bits, in the steps that are told.
    private var lostShare: Double? {
      let narrow = step.parameters.filter { $0.isTrained && $0.format.plain != .fp32 }
      let updates = losses.count * narrow.reduce(0) { $0 + $1.count }
      return updates == 0 ? nil : Double(lostUpdates) / Double(updates)
    }

    func rehearse() { step.rehearse() }
  }

  /// Whole gradients, while somebody asks for them.
  fileprivate final class GradientKeeper {
    var keeps = false
    private(set) var kept: [[Float]] = []

    func take(_ gradient: Tensor) {
      guard keeps else { return }
      kept.append(
        Array(
          UnsafeBufferPointer(start: gradient.pointer(to: Float.self), count: gradient.count)))
    }
  }
}
