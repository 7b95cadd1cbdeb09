import Kernels
import Models
import Quantities
import Testing
import Training

/// What a step holds, phase by phase; nothing is computed.
struct HeldMemoryTests {
  private static func shape(layers: Int, kvHeads: Int = 8) -> ModelShape {
    ModelShape(
      layers: layers, hidden: 512, ffn: 1408, heads: 8, kvHeads: kvHeads, headDim: 64, vocab: 256,
      isTied: false, mlp: .swiglu)
  }

  private static func setup(layers: Int) -> StepSetup {
    StepSetup(shape(layers: layers), sequences: [16, 16])
  }

  /// What one layer more adds to what is kept of a token, in floats.
  private func keptOfALayer(
    _ options: TrainingOptions = TrainingOptions(),
    _ checkpointing: (_ layers: Int) -> Checkpointing
  ) throws -> Int {
    func bytes(_ layers: Int) throws -> Int {
      var setup = Self.setup(layers: layers)
      setup.options = options
      setup.options.checkpointing = checkpointing(layers)
      return try setup.counts().keptBytes.count
    }
    let difference = try bytes(6) - bytes(5)
    #expect(difference % (4 * 32) == 0)
    return difference / (4 * 32)
  }

  /// Of 512 wide layers with 1408 between, and 8 heads, by hand: input, both norms, q, k, v, attention's output
  /// and what is between are 512 each, gate, up and their product 1408; 8 logarithms of sums, and the inverses of
  /// two norms.
  @Test func `without checkpointing a layer keeps all of its values`() throws {
    let byHand = 8 * 512 + 3 * 1408 + 8 + 2
    #expect(byHand == 8330)
    #expect(try keptOfALayer { _ in .none } == byHand)
    // Nothing keeps attention's weights here.
    #expect(try keptOfALayer { _ in .attention } == 8330)
  }

  /// In fp32 stay the inverses of two norms; the logarithms of 8 sums of each row, of the 4 before each 16 too;
  /// and twice 16 numbers that go through a bottleneck. Weights of attention are no few.
  @Test(
    arguments: [
      (Adapter.none, TrainingAttention.tiled, 2 + 8), (.lora(rank: 8), .tiled, 2 + 8 + 7 * 8),
      (.prefix(tokens: 4), .tiled, 2 + 8 + 2), (.bottleneck(width: 16), .tiled, 2 + 8 + 32),
      (.ia3, .tiled, 2 + 8), (.none, .naive, 2), (.ia3, .naive, 2),
    ], [TrainingPrecision.bf16, .fp16])
  func `in 16 bits a layer keeps half, but for a few numbers of each row`(
    form: (adapter: Adapter, attention: TrainingAttention, few: Int), precision: TrainingPrecision
  ) throws {
    var options = TrainingOptions()
    options.adapter.adapter = form.adapter
    options.attention = form.attention
    let wide = try keptOfALayer(options) { _ in .none }
    options.precision = precision
    #expect(try keptOfALayer(options) { _ in .none } == (wide - form.few) / 2 + form.few)
  }

  @Test func `pointwise checkpointing lets go of norms and of SwiGLU's product`() throws {
    let byHand = 8330 - 2 * 512 - 1408
    #expect(byHand == 5898)
    #expect(try keptOfALayer { _ in .pointwise } == byHand)
  }

  @Test func `block checkpointing keeps what a layer is given`() throws {
    #expect(try keptOfALayer { _ in .block } == 512)
    #expect(try keptOfALayer { .layers($0) } == 512)
    #expect(try keptOfALayer { .layers($0 - 2) } == 512)
    #expect(try keptOfALayer { _ in .layers(2) } == 8330)
  }

  /// Of six layers, each that is checkpointed keeps 512 floats of a token instead of 8330.
  @Test func `as many layers are checkpointed as are asked for`() throws {
    func kept(_ checkpointing: Checkpointing) throws -> Int {
      var setup = Self.setup(layers: 6)
      setup.options.checkpointing = checkpointing
      return try setup.counts().keptBytes.count / (4 * 32)
    }
    let all = try kept(.none)
    for count in 1...6 { #expect(try kept(.layers(count)) == all - count * (8330 - 512)) }
  }

  @Test func `segments keep what each is given`() throws {
    #expect(try keptOfALayer { _ in .segments(2) } == 0)
    #expect(try keptOfALayer { .segments($0) } == 512)
  }

  /// Gradients and states of the whole model: each weight once, or twice.
  @Test func `a separate update holds all gradients`() throws {
    let setup = Self.setup(layers: 6)
    let (plan, counts) = (try setup.plan(), try setup.counts())
    let weights = ElementType.fp32.bytes(of: counts.trainedWeights)
    #expect(plan.phases[.update]?[.gradients] == weights)
    for phase in [MemoryPhase.forward, .loss, .backward, .update] {
      #expect(plan.phases[phase]?[.weights] == weights)
      #expect(plan.phases[phase]?[.optimizer] == weights * 2)
    }
    #expect(plan.phases[.forward]?[.gradients] == nil)
  }

  /// Those of one product's or of a few products' weights at a time: less than a layer has.
  @Test func `an update in the backward pass holds less than a layer's gradients`() throws {
    var setup = Self.setup(layers: 6)
    setup.options.updatesInBackward = true
    let layer = setup.shape.products.reduce(0) { $0 + setup.shape.matrix($1).count }
    let held = try setup.plan().peakByRole[.gradients]
    #expect(try #require(held) < ElementType.fp32.bytes(of: layer))
    // Layers more or fewer make no difference.
    setup.shape = Self.shape(layers: 2)
    #expect(try setup.plan().peakByRole[.gradients] == held)
  }

  @Test(arguments: [Adapter.lora(rank: 8), .prefix(tokens: 4), .bottleneck(width: 16), .ia3])
  func `an adapter holds gradients and states of its own weights alone`(adapter: Adapter) throws {
    var setup = Self.setup(layers: 3)
    setup.options.adapter.adapter = adapter
    let (plan, counts) = (try setup.plan(), try setup.counts())
    let own = ElementType.fp32.bytes(of: counts.trainedWeights)
    #expect(plan.phases[.update]?[.gradients] == own)
    #expect(plan.phases[.update]?[.optimizer] == own * 2)
    #expect(plan.phases[.update]?[.adapters] == own)
    #expect(own + (plan.phases[.update]?[.weights] ?? .zero) == counts.weightBytes)
  }

  /// By hand: q, k, v and out are 512 × 512, three products 512 × 1408; rank 8 of each side.
  @Test func `LoRA of all products has rank times both sides of each`() throws {
    var setup = Self.setup(layers: 3)
    setup.options.adapter.adapter = .lora(rank: 8)
    let layer = 8 * (4 * (512 + 512) + 3 * (512 + 1408))
    #expect(try setup.counts().trainedWeights == 3 * layer)
  }

  /// Logits of 32 rows by 256, and what is held of them at once.
  @Test func `a loss in parts holds logits of its parts`() throws {
    func workspace(_ chunks: LinearCrossEntropy.Chunks) throws -> Int {
      var setup = Self.setup(layers: 1)
      setup.options.loss = chunks
      return try #require(try setup.plan().phases[.loss]?[.workspace]).count
    }
    let whole = try workspace(.whole)
    #expect(try whole - workspace(.tokens(4)) >= 4 * 28 * 256)
    #expect(try whole - workspace(.vocabulary(16)) >= 4 * 32 * 240)
  }
}
