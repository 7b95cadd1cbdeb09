import Foundation
package import Kernels
package import Quantities

/// Holds a workload against what the `Workload` protocol promises, problem by problem: every
/// variant that this machine can run, on one thread and on two.
///
/// It asserts nothing itself: tests expect that its failures are none.
package struct Conformance<W: Workload> {
  package let problems: [W.Problem]
  /// The counts of threads that are tried, of those that this machine has.
  package let threads: [Int]
  package let seed: UInt64

  /// - Parameter problems: by default the smallest, and its neighbours.
  package init(
    problems: [W.Problem]? = nil, threads: [Int] = [1, 2], seed: UInt64 = 0x5EED
  ) throws {
    self.problems = try problems ?? ([W.smallest] + ProblemNeighbours.around(W.self, W.smallest))
    self.threads = threads.filter { $0 <= ThreadPool.allowedCPUs.count }
    self.seed = seed
  }

  /// What does not hold, a sentence each, with what is needed to see it again.
  package func failures() throws -> [String] {
    // A pool binds the thread that makes it: one of the test library's would stay bound.
    try onOwnThread {
      let pools = try threads.map { try ThreadPool(threads: $0) }
      return try variantFailures() + problems.flatMap { try failures(of: $0, on: pools) }
    }
  }

  private func variantFailures() -> [String] {
    var failures: [String] = []
    if W.variants.first?.kind != .reference {
      failures.append("\(W.name): the first variant is not the reference")
    }
    if Set(W.variants.map(\.name)).count != W.variants.count {
      failures.append("\(W.name): two variants have one name")
    }
    return failures
  }

  private func failures(of problem: W.Problem, on pools: [ThreadPool]) throws -> [String] {
    let text = try ProblemNeighbours.text(of: problem)
    do {
      try W.validate(problem)
    } catch {
      return ["\(W.name) \(text): the problem is not valid: \(error)"]
    }
    var failures = try workFailures(of: problem).map { "\(W.name) \(text): \($0)" }
    let truth = try ExpectedCall<W>(problem: problem, seed: seed)
    for variant in W.variants where variant.unavailable == nil {
      for pool in pools {
        let found = try VariantCheck<W>(
          problem: problem, variant: variant, pool: pool, seed: seed, truth: truth
        ).failures()
        failures += found.map {
          "\(W.name) \(text), variant \(variant.name), threads \(pool.threads), seed \(seed): \($0)"
        }
      }
    }
    return failures
  }

  /// Work is positive, and does not shrink when an axis grows.
  private func workFailures(of problem: W.Problem) throws -> [String] {
    let work = W.work(of: problem)
    var failures: [String] = []
    if work.flops <= 0 || work.workingSet <= .zero { failures.append("work is not positive") }
    for larger in try ProblemNeighbours.around(W.self, problem, steps: [1]) {
      let more = W.work(of: larger)
      if more.flops < work.flops || more.bytesRead < work.bytesRead
        || more.bytesWritten < work.bytesWritten
      {
        failures.append("work shrinks towards \(try ProblemNeighbours.text(of: larger))")
      }
    }
    return failures
  }
}
