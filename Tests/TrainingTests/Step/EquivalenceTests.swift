import Kernels
import Models
import Testing
import Training

/// Ways to cut a step that give the same numbers but for the order of their sums.
struct EquivalenceTests {
  private static let shape = ModelShape(
    layers: 2, hidden: 24, ffn: 40, heads: 4, kvHeads: 2, headDim: 6, vocab: 53, isTied: true,
    mlp: .swiglu)
  /// Sums of 48 terms or fewer in another order, some dozens deep.
  private static let limit = 5e-6

  private func expectSame(_ found: StepResult, _ expected: StepResult) {
    #expect(abs(found.loss - expected.loss) < 1e-6 * expected.loss)
    #expect(distance(found.doubles, from: expected.doubles) < Self.limit)
  }

  @Test(arguments: [
    LinearCrossEntropy.Chunks.tokens(1), .tokens(5), .tokens(24), .tokens(100), .vocabulary(1),
    .vocabulary(7), .vocabulary(52), .vocabulary(53), .vocabulary(99),
  ])
  func `a loss in parts is the whole one`(chunks: LinearCrossEntropy.Chunks) throws {
    var setup = StepSetup(Self.shape, sequences: [12, 12])
    let whole = try setup.found()
    setup.options.loss = chunks
    expectSame(try setup.found(), whole)
  }

  /// The mean is over all targets of the step, however many a micro-batch has.
  @Test func `micro-batches with unequal targets are one batch`() throws {
    var setup = StepSetup(Self.shape, sequences: Array(repeating: 6, count: 8))
    var tokens = setup.tokens
    // The four micro-batches have 10, 4, 0 and 10 targets or so.
    for row in 14..<20 { tokens.targets[row] = -100 }
    for row in 24..<36 { tokens.targets[row] = -100 }
    let whole = try setup.found(tokens)
    setup.sequences = [6, 6]
    setup.accumulation = 4
    expectSame(try setup.found(tokens), whole)
  }

  @Test(arguments: [Adapter.none, .lora(rank: 2), .prefix(tokens: 3), .ia3])
  func `packed documents are what each is by itself`(adapter: Adapter) throws {
    let documents = [5, 1, 9, 9, 3]
    var setup = StepSetup(Self.shape, sequences: documents)
    setup.options.adapter.adapter = adapter
    let (tokens, packed) = (setup.tokens, try setup.found())
    let all = Double(tokens.targets.count { $0 >= 0 })
    var loss = 0.0
    var sums: [String: [Double]] = [:]
    var first = 0
    for count in documents {
      setup.sequences = [count]
      let own = Tokens(
        ids: Array(tokens.ids[first..<first + count]),
        targets: Array(tokens.targets[first..<first + count]))
      first += count
      let share = Double(own.targets.count { $0 >= 0 }) / all
      let found = try setup.found(own)
      loss += share * found.loss
      for (name, gradient) in found.doubles {
        let before = sums[name] ?? Array(repeating: 0, count: gradient.count)
        sums[name] = zip(before, gradient).map { $0 + share * $1 }
      }
    }
    #expect(abs(packed.loss - loss) < 1e-6 * loss)
    #expect(distance(packed.doubles, from: sums) < Self.limit)
  }

  @Test(arguments: [Adapter.none, .lora(rank: 2), .ia3], [Checkpointing.none, .attention, .block])
  func `naive attention is the tiled one`(adapter: Adapter, checkpointing: Checkpointing) throws {
    for instructions in InstructionSet.trained {
      var setup = StepSetup(Self.shape, sequences: [5, 9, 9])
      setup.instructions = instructions
      setup.accumulation = 2
      setup.options.adapter.adapter = adapter
      let tiled = try setup.found()
      setup.options.attention = .naive
      setup.options.checkpointing = checkpointing
      expectSame(try setup.found(), tiled)
    }
  }

  /// Positions follow one another within a document, so that one may stand anywhere in a batch.
  @Test func `documents in another order give the same gradients`() throws {
    var setup = StepSetup(Self.shape, sequences: [4, 7])
    let tokens = setup.tokens
    let expected = try setup.found(tokens)
    setup.sequences = [7, 4]
    func turned(_ numbers: [Int]) -> [Int] { Array(numbers[4...] + numbers[..<4]) }
    expectSame(
      try setup.found(Tokens(ids: turned(tokens.ids), targets: turned(tokens.targets))), expected)
  }

  @Test func `a batch without a target has no loss, and gradients of 0`() throws {
    let setup = StepSetup(Self.shape, sequences: [5])
    let found = try setup.found(
      Tokens(ids: [1, 2, 3, 4, 5], targets: Array(repeating: -100, count: 5)))
    #expect(found.loss == 0)
    #expect(found.gradients.values.allSatisfy { $0.allSatisfy { $0 == 0 } })
  }
}
