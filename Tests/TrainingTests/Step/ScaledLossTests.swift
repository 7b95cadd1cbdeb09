import Kernels
import Models
import Testing
import Training

/// Steps whose loss is scaled, so that small gradients are not lost in 16 bits.
struct ScaledLossTests {
  private static func setup(_ precision: TrainingPrecision) -> StepSetup {
    var setup = StepSetup(.grouped)
    setup.options.precision = precision
    setup.options.optimizer = Optimizer(.sgd, rate: 1, decay: 0)
    return setup
  }

  /// Those whose weights are in fp32: others do not move by less than half a unit.
  private static let precisions = [TrainingPrecision.fp32, .bf16, .fp16]

  /// The norm of what a step moved all weights by.
  private func moved(_ setup: StepSetup) throws -> (by: Double, TrainingStep.Report) {
    let session = try TrainingSession(setup)
    let before = session.weights
    _ = session.run(TinyModel.grouped.tokens())
    let squares = session.weights.reduce(0) { sum, weights in
      zip(weights.value, before[weights.key] ?? []).reduce(sum) {
        $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
      }
    }
    return (squares.squareRoot(), session.step.report)
  }

  /// The golden norm, before it is clipped, is 5.27; operands of 11 bits or 8 leave it within some percent.
  @Test(arguments: precisions)
  func `a clipped step of SGD is as long as the limit, whatever scales the loss`(
    precision: TrainingPrecision
  ) throws {
    var setup = Self.setup(precision)
    setup.options.clip = 0.5
    let (by, report) = try moved(setup)
    #expect(report.lossScale == (precision == .fp16 ? 65_536 : 1))
    #expect(abs((report.gradientNorm ?? .nan) - 5.266) < 0.05)
    #expect(abs(by - 0.5) < 1e-5)
  }

  /// SGD moves by the gradient itself, whose scale is undone.
  @Test(arguments: precisions)
  func `a step that is not clipped is as long as its gradient`(precision: TrainingPrecision) throws
  {
    let (by, report) = try moved(Self.setup(precision))
    #expect(abs(by - (report.gradientNorm ?? .nan)) < 1e-5)
    #expect(abs(by - 5.266) < 0.05)
  }

  /// Of the model's first step the largest gradients are above 1, so that 65,536 of them are still numbers, and
  /// 2⁶⁰ are not.
  @Test func `a step that overflows is skipped, and its scale is halved`() throws {
    var setup = Self.setup(.fp16)
    setup.weights = LargeGains(model: .grouped, last: 0x1p60)
    let session = try TrainingSession(setup)
    let before = session.weights
    _ = session.run(TinyModel.grouped.tokens())
    #expect(session.step.report.isSkipped)
    #expect(session.weights == before)
    #expect(session.step.scaler.scale == 32_768)
    #expect(session.step.scaler.skipped == 1)
    _ = session.run(TinyModel.grouped.tokens())
    #expect(session.step.report.lossScale == 32_768)
  }

  /// AdamW's first step moves each weight that has a gradient by the rate, whatever the gradient is: its second
  /// would by 0.74 of it, with moments that are still 0.
  @Test func `a skipped step is none for the optimizer`() throws {
    var setup = Self.setup(.fp16)
    setup.weights = LargeGains(model: .grouped, last: 64)
    setup.options.optimizer = Optimizer(.adamw, rate: 0.01, decay: 0)
    let session = try TrainingSession(setup)
    let before = session.weights
    _ = session.run(TinyModel.grouped.tokens())
    #expect(session.step.report.isSkipped)
    for _ in 0..<16 where session.step.report.isSkipped {
      _ = session.run(TinyModel.grouped.tokens())
    }
    #expect(!session.step.report.isSkipped)
    let name = "model.layers.0.mlp.up_proj.weight"
    let moved = zip(session.weights[name] ?? [], before[name] ?? []).map { abs($0 - $1) }
    #expect(abs((moved.max() ?? 0) - 0.01) < 1e-5)
  }
}

/// A model whose last norm makes logits, and with them gradients, that 16 bits cannot hold.
private struct LargeGains: ModelWeights {
  let model: TinyModel
  let last: Float

  func matrix(_ product: ModelShape.Product, layer: Int) -> TinyModel.Source {
    model.matrix(product, layer: layer)
  }
  var embedding: TinyModel.Source { model.embedding }
  var logits: TinyModel.Source { model.logits }
  func gain(_ index: Int, _ column: Int) -> Float {
    index == 2 * model.layers ? last : model.gain(index, column)
  }
}
