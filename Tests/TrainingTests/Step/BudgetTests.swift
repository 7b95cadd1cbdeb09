import Kernels
import Models
import Quantities
import Testing
import Training

/// What is kept so that the peak of a step stays within a budget.
struct BudgetTests {
  private static let shape = ModelShape(
    layers: 5, hidden: 32, ffn: 72, heads: 4, kvHeads: 2, headDim: 8, vocab: 50, isTied: false,
    mlp: .swiglu)

  private func setup(_ checkpointing: Checkpointing) -> StepSetup {
    var setup = StepSetup(Self.shape, sequences: [40, 40, 40])
    setup.options.checkpointing = checkpointing
    // So that activations bind, and not what the optimizer holds.
    setup.options.optimizer = Optimizer(.sgd)
    return setup
  }

  private func planned(_ checkpointing: Checkpointing) throws -> (
    peak: Bytes, executed: [String]
  ) {
    let setup = setup(checkpointing)
    let execution = Execution.planning(threads: 1)
    let step = try setup.step(try setup.batch(in: execution.ledger), execution)
    step.rehearse()
    return (execution.ledger.plan.peak, step.plan)
  }

  @Test func `fifty budgets are obeyed, and a larger one never computes more again`() throws {
    let all = try planned(.none).peak
    let least = try #require(
      throws: BudgetFault.self, performing: { try planned(.budget(Bytes(1))) }
    ).least
    #expect(least < all)
    var before: Int?
    for index in 0..<50 {
      let budget = least + Bytes((all.count - least.count) * index / 49)
      let setup = setup(.budget(budget))
      #expect(try planned(.budget(budget)).peak <= budget)
      let ledger = try MemoryLedger()
      let step = try setup.step(
        try setup.batch(in: ledger), Execution(ledger: ledger, pool: try ThreadPool(threads: 1)))
      let executed = step.counts.executedFlops
      #expect(executed <= before ?? .max)
      before = executed
    }
    #expect(before == (try setup(.none).counts().executedFlops))
  }

  @Test func `a budget under the least names it`() throws {
    let fault = try #require(
      throws: BudgetFault.self, performing: { try planned(.budget(Bytes(1000))) })
    #expect(fault.fault.what.contains("\(fault.least) at the least"))
    #expect(try planned(.budget(fault.least)).peak == fault.least)
    #expect(throws: BudgetFault.self) { try planned(.budget(fault.least - Bytes(1))) }
  }

  @Test func `gradients have the bits of a step that keeps everything`() throws {
    let all = try planned(.none).peak
    let less = Bytes(all.count * 8 / 10)
    #expect(try setup(.budget(less)).found() == setup(.none).found())
    #expect(try planned(.budget(less)).executed.allSatisfy { $0.contains("computed again") })
  }
}
