import Kernels
import Models
import Testing
import Training
import Workloads

/// The reference's gradients against differences of its own loss, both in fp64.
struct CentralDifferenceTests {
  private static let adapters: [Adapter] = [
    .none, .lora(rank: 2), .prefix(tokens: 2), .bottleneck(width: 3), .ia3,
  ]
  private static let attentions: [TrainingAttention] = [.tiled, .naive]
  private static let layouts: [RotaryLayout] = [.none, .neox, .llama]
  /// Of each parameter so many numbers are moved.
  private static let samples = 6

  /// Two blocks with groups of heads, tied, packed and masked. With a step of 2e-6 the loss's third derivative,
  /// of up to 1000 where an embedding is normed, leaves 1e-9, and the loss's rounding 1e-10.
  @Test(arguments: adapters, layouts)
  func `gradients are central differences of the loss`(adapter: Adapter, layout: RotaryLayout)
    throws
  {
    let shape = ModelShape(
      layers: 2, hidden: 10, ffn: 14, heads: 4, kvHeads: 2, headDim: 4, vocab: 19, isTied: true,
      mlp: .swiglu)
    var setup = StepSetup(shape, sequences: [4, 6])
    setup.options.adapter.adapter = adapter
    if case .lora = adapter { setup.options.adapter.dropout = 0.25 }
    setup.options.rotary = Rotary(layout)
    let tokens = setup.tokens
    let values = try setup.values()
    func loss() throws -> Double { try setup.reference(tokens, values: values).loss }
    let gradients = try setup.reference(tokens, values: values).gradients
    for (name, node) in values {
      let gradient = try #require(gradients[name])
      let mean = gradient.reduce(0) { $0 + $1 * $1 } / Double(gradient.count)
      for sample in 0..<min(Self.samples, node.values.count) {
        let place = sample * node.values.count / Self.samples % node.values.count
        let value = node.values[place]
        node.values[place] = value + 2e-6
        let above = try loss()
        node.values[place] = value - 2e-6
        let below = try loss()
        node.values[place] = value
        let error = abs((above - below) / 4e-6 - gradient[place])
        #expect(error < 1e-7 * mean.squareRoot() + 1e-9, "\(name), \(place)")
      }
    }
  }

  /// What the engine computes in fp32 is what the reference does, for each adapter, layout, and a tied model.
  @Test(arguments: adapters, layouts)
  func `gradients in fp32 are the reference's`(adapter: Adapter, layout: RotaryLayout) throws {
    let shape = ModelShape(
      layers: 3, hidden: 18, ffn: 26, heads: 6, kvHeads: 2, headDim: 6, vocab: 31, isTied: true,
      mlp: .swiglu)
    var setup = StepSetup(shape, sequences: [5, 11])
    setup.accumulation = 2
    setup.options.adapter.adapter = adapter
    if case .lora = adapter { setup.options.adapter.dropout = 0.25 }
    setup.options.rotary = Rotary(layout)
    let (tokens, found) = (setup.tokens, try setup.found())
    let expected = try setup.reference(tokens)
    #expect(abs(found.loss - expected.loss) < 1e-6 * expected.loss)
    for (name, gradient) in found.doubles {
      #expect(distance(gradient, from: expected.gradients[name] ?? []) < 2e-5, "\(name)")
    }
  }

  /// Numbers of 8 bits or of 11 are off by half a unit of their last. There are two such operands of each of 21
  /// products a layer, and of 3 of the loss; four deviations of their sum are half of what a case is allowed.
  @Test(arguments: adapters, attentions)
  func `gradients in 16 bits are the reference's, but for roundings of operands`(
    adapter: Adapter, attention: TrainingAttention
  ) throws {
    if attention == .naive, case .prefix = adapter { return }
    let shape = ModelShape(
      layers: 3, hidden: 18, ffn: 26, heads: 6, kvHeads: 2, headDim: 6, vocab: 31, isTied: true,
      mlp: .swiglu)
    var setup = StepSetup(shape, sequences: [5, 11])
    setup.accumulation = 2
    setup.options.attention = attention
    setup.options.adapter.adapter = adapter
    if case .lora = adapter { setup.options.adapter.dropout = 0.25 }
    let tokens = setup.tokens
    let expected = try setup.reference(tokens)
    for (precision, unit) in [(TrainingPrecision.bf16, 0x1p-9), (.fp16, 0x1p-12)] {
      let deviation = Double(42 * shape.layers + 6).squareRoot() * unit
      let scale = precision.scalesLoss ? Double(LossScaler().scale) : 1
      setup.options.precision = precision
      for instructions in InstructionSet.trained {
        setup.instructions = instructions
        let found = try setup.found()
        #expect(abs(found.loss - expected.loss) < 4 * unit * expected.loss)
        for (name, gradient) in found.doubles {
          let error = distance(gradient.map { $0 / scale }, from: expected.gradients[name] ?? [])
          #expect(error < 4 * deviation, "\(name), \(precision), \(instructions.rawValue)")
        }
      }
    }
  }
}
