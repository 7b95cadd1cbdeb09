import Kernels
import Models
import Quantities
import Testing
import Training

extension Threaded {
  /// What saves memory, and who computes what, changes no bit of a step.
  struct SameBitsTests {
    private static let adapters: [Adapter] = [
      .none, .lora(rank: 3), .prefix(tokens: 2), .bottleneck(width: 5), .ia3,
    ]
    private static let savings: [Checkpointing] = [
      .pointwise, .attention, .layers(1), .layers(3), .layers(4), .block, .segments(1),
      .segments(2), .segments(3), .segments(4), .root(of: 4),
    ]

    /// Sizes are no multiples of anything; the micro-batches' second is dropped from by another draw.
    private static func setup(
      _ adapter: Adapter, layers: Int, hidden: Int = 20, ffn: Int = 28, vocab: Int = 37,
      sequences: [Int] = [6, 9, 9]
    ) -> StepSetup {
      let shape = ModelShape(
        layers: layers, hidden: hidden, ffn: ffn, heads: 4, kvHeads: 2, headDim: 6, vocab: vocab,
        isTied: false, mlp: .swiglu)
      var setup = StepSetup(shape, sequences: sequences)
      setup.accumulation = 2
      setup.options.adapter.adapter = adapter
      if case .lora = adapter { setup.options.adapter.dropout = 0.3 }
      setup.options.optimizer = Optimizer(.adamw, rate: 0.01)
      return setup
    }

    private static func forms(
      _ adapter: Adapter
    ) -> [(precision: TrainingPrecision, attention: TrainingAttention)] {
      var attentions = [TrainingAttention.tiled, .naive]
      if case .prefix = adapter { attentions = [.tiled] }
      return TrainingPrecision.allCases.flatMap { precision in attentions.map { (precision, $0) } }
    }

    /// The second step's dropout is another one, and its weights are what the first made of them.
    private func twoSteps(_ setup: StepSetup) throws -> [StepResult] {
      let session = try TrainingSession(setup)
      return [session.run(setup.tokens), session.run(setup.tokens)]
    }

    /// What is kept may be narrower than what is computed: it is the same whenever it is computed.
    @Test(arguments: adapters, savings)
    func `checkpointing changes no bit`(adapter: Adapter, checkpointing: Checkpointing) throws {
      for (precision, attention) in Self.forms(adapter) {
        var setup = Self.setup(adapter, layers: 4)
        setup.options.precision = precision
        setup.options.attention = attention
        let expected = try twoSteps(setup)
        setup.options.checkpointing = checkpointing
        #expect(try twoSteps(setup) == expected, "\(precision), \(attention)")
      }
    }

    /// Between what a step takes that keeps everything, and one that keeps as little as there is.
    @Test(arguments: adapters, [TrainingAttention.tiled, .naive])
    func `a budget changes no bit and is kept`(adapter: Adapter, attention: TrainingAttention)
      throws
    {
      if attention == .naive, case .prefix = adapter { return }
      var setup = Self.setup(adapter, layers: 4)
      setup.options.attention = attention
      let (expected, most) = (try twoSteps(setup), try setup.plan().peak)
      setup.options.checkpointing = .budget(Bytes(1))
      let least = try #require(throws: BudgetFault.self) { try setup.plan() }.least
      #expect(least < most)
      for share in 0...4 {
        let budget = least + Bytes((most - least).count * share / 4)
        setup.options.checkpointing = .budget(budget)
        #expect(try twoSteps(setup) == expected, "\(budget)")
        let peak = try setup.plan().peak
        #expect(peak.count <= budget.count, "\(share) quarters")
      }
    }

    /// 60 rows of 70 columns: products, norms and the optimizer are all shared out.
    @Test(arguments: adapters, [2, 3, 7])
    func `threads change no bit`(adapter: Adapter, threads: Int) throws {
      for instructions in InstructionSet.trained {
        var setup = Self.setup(
          adapter, layers: 1, hidden: 70, ffn: 90, vocab: 130, sequences: [25, 35])
        setup.instructions = instructions
        let expected = try twoSteps(setup)
        setup.threads = threads
        #expect(try twoSteps(setup) == expected, "\(instructions.rawValue)")
      }
    }

    @Test(arguments: adapters, [2, 3, 7])
    func `in 16 bits neither checkpointing nor threads change a bit`(
      adapter: Adapter, threads: Int
    ) throws {
      for instructions in InstructionSet.trained {
        for (precision, attention) in Self.forms(adapter) where precision != .fp32 {
          var setup = Self.setup(adapter, layers: 2, hidden: 70, ffn: 90, vocab: 130)
          setup.options.precision = precision
          setup.options.attention = attention
          setup.instructions = instructions
          let expected = try twoSteps(setup)
          setup.options.checkpointing = .block
          setup.threads = threads
          #expect(
            try twoSteps(setup) == expected, "\(instructions.rawValue), \(precision), \(attention)")
        }
      }
    }

    @Test func `clipping changes no bit with threads, and neither does the norm`() throws {
      func norm(threads: Int) throws -> (StepResult, Double?) {
        var setup = Self.setup(.none, layers: 1, hidden: 70, ffn: 300, vocab: 130)
        setup.options.clip = 0.1
        setup.threads = threads
        let session = try TrainingSession(setup)
        return (session.run(setup.tokens), session.step.report.gradientNorm)
      }
      let (one, several) = (try norm(threads: 1), try norm(threads: 3))
      #expect(one.0 == several.0)
      #expect(one.1 == several.1)
    }

    /// A tied embedding gets its gradient at both ends of the backward pass.
    @Test(arguments: adapters, [false, true])
    func `an update in the backward pass changes no bit`(adapter: Adapter, isTied: Bool) throws {
      var setup = Self.setup(adapter, layers: 3)
      setup.shape.isTied = isTied
      setup.weights = MadeUpWeights(setup.shape, seed: 3)
      setup.accumulation = 1
      let expected = try twoSteps(setup)
      setup.options.updatesInBackward = true
      #expect(try twoSteps(setup) == expected)
    }
  }
}
