import Kernels
import Models
import Testing
import Training

/// Counts of operations against those of PyTorch's counter: see `flops.py`.
struct FlopGoldenTests {
  private static func cases() throws -> [FlopGolden] {
    try GoldenFile<[FlopGolden]>.cases("flops")
  }

  /// The counter sees products with weights alone in `mm`; attention, all of tokens × tokens, is in `bmm`. What
  /// is counted here of attention is taken off by hand: 12 for each pair that sees each other and each number
  /// of a head, forward and backward.
  @Test(arguments: try cases())
  func `products with weights are as many as another implementation counts`(golden: FlopGolden)
    throws
  {
    let products = try golden.setup.counts().modelFlops - golden.attentionFlops
    #expect(products == golden.forward.mm + golden.backward.mm)
  }

  /// The causal half, with the diagonal, is (tokens + 1) / (2 · tokens) of all.
  @Test(arguments: try cases().filter { !$0.isLoRA })
  func `attention is the causal part of what another implementation counts`(golden: FlopGolden) {
    let tokens = golden.model.tokens
    #expect(
      2 * tokens * golden.attentionFlops
        == (tokens + 1) * (golden.forward.bmm + golden.backward.bmm))
  }

  /// Backward through tiles computes scores again, a fifth product beside four.
  @Test(arguments: try cases())
  func `what is executed is more by the scores of the way back`(golden: FlopGolden) throws {
    let counts = try golden.setup.counts()
    #expect(counts.executedFlops == counts.modelFlops + golden.attentionFlops / 6)
  }

  /// Each layer again but for its last product, whose output is what the next is given; the last layer's is not
  /// asked for at all.
  @Test func `block checkpointing executes each layer's forward pass again`() throws {
    var setup = StepSetup(.grouped)
    let kept = try setup.counts()
    setup.options.checkpointing = .block
    let counts = try setup.counts()
    #expect(counts.modelFlops == kept.modelFlops)
    let model = TinyModel.grouped
    let rows = model.batch * model.tokens
    let down = model.hidden * model.ffn
    let weights = model.shape.products.reduce(0) { $0 + model.shape.matrix($1).count }
    let attention = 4 * model.layers * model.pairs * model.headDim
    #expect(
      counts.executedFlops - kept.executedFlops
        == 2 * rows * model.layers * (weights - down) + attention)
  }
}

extension TinyModel {
  /// Of a query and a key that it sees, in all heads of all sequences of a layer.
  var pairs: Int { batch * heads * tokens * (tokens + 1) / 2 }
}

/// A model, and what a counter made of its step.
struct FlopGolden: Decodable, Sendable, CustomTestStringConvertible {
  let name: String
  let forward: Pass
  let backward: Pass

  struct Pass: Decodable, Sendable {
    let mm: Int
    let bmm: Int
  }

  var testDescription: String { name }
  var isLoRA: Bool { name.contains("LoRA") }
  var model: TinyModel { name == "tied" ? .tied : .grouped }
  var attentionFlops: Int { 12 * model.layers * model.pairs * model.headDim }

  var setup: StepSetup {
    var setup = StepSetup(model)
    if isLoRA {
      setup.options.adapter.adapter = .lora(rank: 4)
      setup.options.adapter.targets = [.q, .v]
    }
    return setup
  }
}
