import Kernels
import Quantities
import Records
package import Workloads

/// What every workload must hold, whatever it computes: each variant that this machine has, held
/// against the reference, its own operands and its own memory plan.
///
/// Failures come back as sentences, so that a test says `#expect(failures == [])`.
package struct Conformance<W: Workload> {
  package init() {}

  /// Checks each problem with each variant and number of threads.
  package func failures(of problems: [W.Problem], threads: [Int]) throws -> [String] {
    var failures: [String] = []
    for count in threads {
      let pool = try ThreadPool(threads: count)
      for problem in problems {
        for variant in W.variants
        where variant.kind != .competitor && variant.unavailable == nil
          && variant.declines(problem) == nil
        {
          let place = "\(W.name) \(problem) \(variant.name) on \(count) threads"
          failures += try check(problem, variant, pool).map { "\(place): \($0)" }
        }
      }
    }
    return failures
  }

  /// The problem, and each of its number axes one less (where that is positive) and one more.
  package func neighbours(of problem: W.Problem) throws -> [W.Problem] {
    [problem] + (try moved(problem, by: [-1, 1]).map(\.problem))
  }

  /// The problem with each word of each of its axes in turn, where that makes a problem.
  package func otherWords(of problem: W.Problem) throws -> [W.Problem] {
    let values = W.values(of: problem)
    return try W.axes.flatMap { axis -> [W.Problem] in
      let words: [String] =
        switch axis.domain {
        case .words(let words): words
        case .texts(let words, let calls, _, _): words + calls.map { "\($0)(32)" }
        case .number, .bytes: []
        }
      return try words.compactMap { word in
        guard values[axis.label] != .word(word) else { return nil }
        let other = try W.problem(values.merging([axis.label: .word(word)]) { $1 })
        return (try? W.validate(other)) == nil ? nil : other
      }
    }
  }

  /// Work is positive and does not shrink as an axis grows.
  package func workFailures(of problem: W.Problem) throws -> [String] {
    let work = W.work(of: problem)
    var failures = work.flops > 0 && work.workingSet > .zero ? [] : ["work is not positive"]
    let bound = W.workBound(of: problem)
    if bound < Double(max(work.flops, work.workingSet.count)) {
      failures.append("the bound on its work is \(bound), less than its work")
    }
    for (axis, larger) in try moved(problem, by: [1]) {
      let more = W.work(of: larger)
      if more.flops < work.flops || more.workingSet < work.workingSet {
        failures.append("work shrinks as \(axis) grows")
      }
    }
    return failures
  }

  private func moved(_ problem: W.Problem, by steps: [Int]) throws
    -> [(axis: String, problem: W.Problem)]
  {
    let values = W.values(of: problem)
    var found: [(String, W.Problem)] = []
    for axis in W.axes {
      guard let number = values[axis.label]?.number else { continue }
      for step in steps where number + step >= 1 {
        let other = try W.problem(values.merging([axis.label: .number(number + step)]) { $1 })
        if (try? W.validate(other)) != nil { found.append((axis.name, other)) }
      }
    }
    return found
  }

  /// One case's life as the harness leads it: operands, preparation with a checked call, run.
  private func check(_ problem: W.Problem, _ variant: Variant<W>, _ pool: ThreadPool) throws
    -> [String]
  {
    let ledger = try MemoryLedger(fence: 256)
    ledger.begin(.operands)
    var failures: [String] = []
    let kernel = try prepare(problem, variant, pool, ledger, &failures)
    ledger.begin(.run)
    kernel.run()
    if !ledger.brokenFences.isEmpty {
      failures.append("wrote outside: \(ledger.brokenFences.joined(separator: ", "))")
    }
    let plan = try W.plan(of: problem, variant: variant, threads: pool.threads)
    let seen = ledger.snapshot.plan
    for phase in MemoryPhase.allCases where plan.phases[phase] != seen.phases[phase] {
      failures.append(
        "planned \(plan.phases[phase] ?? [:]) in \(phase), saw \(seen.phases[phase] ?? [:])")
    }
    let peak = MemoryPhase.allCases.map(plan.total).max() ?? .zero
    if plan.peak != peak { failures.append("the peak is \(plan.peak), no phase's maximum") }
    return failures
  }

  /// The operands live no longer than this call, but for those that the kernel keeps.
  private func prepare(
    _ problem: W.Problem, _ variant: Variant<W>, _ pool: ThreadPool, _ ledger: MemoryLedger,
    _ failures: inout [String]
  ) throws -> any Kernel {
    let operands = try W.operands(for: problem, seed: 42, in: ledger)
    ledger.begin(.preparation)
    let before = operands.operands.filter { $0.access != .output }.map(Self.bytes)
    guard let output = operands.operands.first(where: { $0.access == .output })?.tensor else {
      throw MissingOutput()
    }
    output.fillNaN()
    let kernel = try variant.prepare(problem, operands, Execution(ledger: ledger, pool: pool))
    kernel.run()
    let first = (0..<output.count).map { output[$0].bitPattern }
    failures += compare(output, problem, operands)
    output.fillNaN()
    let again =
      W.isRepeatable
      ? kernel
      : try variant.prepare(problem, operands, Execution(ledger: MemoryLedger(), pool: pool))
    again.run()
    if first != (0..<output.count).map({ output[$0].bitPattern }) {
      failures.append("the same call gave other bits")
    }
    if before != operands.operands.filter({ $0.access != .output }).map(Self.bytes) {
      failures.append("an input was changed")
    }
    return kernel
  }

  private func compare(_ output: Tensor, _ problem: W.Problem, _ operands: W.Operands) -> [String] {
    let all = OutputSample(
      rows: output.rows, columns: output.columns, flopsPerResult: 1, flopBudget: .max,
      countBudget: .max, seed: 0)
    let expected = W.expectation(of: problem, operands, at: all)
    let tolerance = W.tolerance(of: problem)
    let wrong = (0..<output.count).filter { index in
      let (error, limit) = expected.judge(Double(output[index]), at: index, tolerance)
      return !(error <= limit)
    }
    guard let index = wrong.first else { return [] }
    return [
      "\(wrong.count) of \(output.count) results stray, \(index) first: "
        + "\(output[index]), not \(expected.values[index])"
    ]
  }

  private static func bytes(_ operand: Operand) -> [UInt8] {
    Array(UnsafeRawBufferPointer(start: operand.tensor.start, count: operand.tensor.bytes.count))
  }
}

/// A workload without an output cannot be checked.
private struct MissingOutput: Error {}
