import Kernels
import Quantities
import TestSupport
import Testing
import Workloads

@Suite struct OptimizerTests {
  private static let threads = Array(1...min(2, ThreadPool.allowedCPUs.count))

  /// From one number up: parameters of less than 4096 have states in fp32 by every rule, and of the largest only
  /// stretches are checked.
  @Test(arguments: Optimizer.Rule.allCases)
  func `it holds for each rule`(rule: Optimizer.Rule) throws {
    let conformance = Conformance<OptimizerWorkload>()
    let problems = [1, 15, 255, 257, 4095, 4096, 4097, 4357, 70_001].map {
      OptimizerWorkload.Problem(rule: rule, n: $0)
    }
    #expect(try conformance.failures(of: problems, threads: Self.threads) == [])
    #expect(try conformance.workFailures(of: problems[0]) == [])
  }

  /// Of 8192 numbers: states of 8, 2, 4 or 0 bytes each, and a scale of 4 bytes for each 256 of two.
  @Test(arguments: [
    (Optimizer.Rule.adamw, 28 * 8192), (.adamw8, 16 * 8192 + 2 * 2 * 4 * 32),
    (.momentum, 20 * 8192), (.sgd, 12 * 8192),
  ])
  func `a step moves gradient, weights and states`(rule: Optimizer.Rule, bytes: Int) {
    let work = OptimizerWorkload.work(of: .init(rule: rule, n: 8192))
    #expect(work.workingSet == Bytes(bytes))
  }

  @Test func `states are counted as the optimizer's`() throws {
    let portable = try #require(OptimizerWorkload.variant(named: "portable"))
    let plan = try OptimizerWorkload.plan(
      of: .init(n: 10_000), variant: portable, threads: 1)
    #expect(plan.phases[.run]?[.optimizer] == Bytes(80_000))
    #expect(plan.phases[.run]?[.weights] == Bytes(40_000))
    #expect(plan.phases[.run]?[.gradients] == Bytes(40_000))
  }

  /// A second step begins with the weights that the first one left.
  @Test func `a call goes on from where the last one ended`() throws {
    let problem = OptimizerWorkload.Problem(rule: .sgd, n: 40)
    let ledger = try MemoryLedger()
    let operands = try OptimizerWorkload.operands(for: problem, seed: 1, in: ledger)
    let portable = try #require(OptimizerWorkload.variant(named: "portable"))
    let kernel = try portable.prepare(
      problem, operands, Execution(ledger: ledger, pool: ThreadPool(threads: 1)))
    kernel.run()
    let first = operands.updated.doubles(0..<40)
    operands.updated.fillNaN()
    kernel.run()
    let second = operands.updated.doubles(0..<40)
    let gradient = operands.gradient.doubles(0..<40)
    // SGD with decay 0.01 at a rate of 0.01.
    for index in 0..<40 {
      let expected = first[index] * (1 - 1e-4) - 0.01 * gradient[index]
      #expect(abs(second[index] - expected) < 1e-6)
    }
  }
}
