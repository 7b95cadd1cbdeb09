import Kernels
import Quantities

/// One variant's life on one problem, as the harness leads it, with a look at each step.
struct VariantCheck<W: Workload> {
  let problem: W.Problem
  let variant: Variant<W>
  let pool: ThreadPool
  let seed: UInt64
  let truth: ExpectedCall<W>

  func failures() throws -> [String] {
    let ledger = try MemoryLedger(fence: 256)
    var failures: [String] = []
    let kernel = try prepared(in: ledger, &failures)
    // The operands went with the call before: what the kernel did not keep is free now.
    ledger.begin(.run)
    kernel.run()
    noteFences(of: ledger, &failures)
    notePlan(of: ledger, &failures)
    // A kernel that is let go before the account is read would be missing in it.
    withExtendedLifetime(kernel) {}
    return failures
  }

  /// Never inlined: on its return the operands have no owner left but the kernel.
  @inline(never)
  private func prepared(in ledger: MemoryLedger, _ failures: inout [String]) throws -> any Kernel {
    ledger.begin(.operands)
    let operands = try W.operands(for: problem, seed: seed, in: ledger)
    if ExpectedCall<W>.inputs(of: operands) != truth.inputs {
      failures.append("one seed gave two sets of operands")
    }
    ledger.begin(.preparation)
    let kernel = try variant.prepare(problem, operands, Execution(ledger: ledger, pool: pool))
    let first = call(kernel, operands)
    if let output = ExpectedCall<W>.output(of: operands),
      let mistake = truth.firstMistake(in: output)
    {
      failures.append("the result is wrong: \(mistake)")
    }
    if call(kernel, operands) != first { failures.append("the same call twice gave two results") }
    if ExpectedCall<W>.inputs(of: operands) != truth.inputs {
      failures.append("an input or a weight was changed")
    }
    noteFences(of: ledger, &failures)
    return kernel
  }

  /// One call onto an output of NaNs, so that what it leaves unwritten is seen.
  private func call(_ kernel: any Kernel, _ operands: W.Operands) -> [[UInt8]] {
    for operand in operands.operands where operand.access == .output { operand.tensor.fillNaN() }
    kernel.run()
    return ExpectedCall<W>.outputs(of: operands)
  }

  private func noteFences(of ledger: MemoryLedger, _ failures: inout [String]) {
    let broken = ledger.brokenFences
    if !broken.isEmpty {
      failures.append("written outside of tensors: \(broken.joined(separator: ", "))")
    }
  }

  private func notePlan(of ledger: MemoryLedger, _ failures: inout [String]) {
    let plan = W.memory(of: problem, variant: variant, threads: pool.threads)
    let seen = ledger.snapshot.plan
    for phase in MemoryPhase.allCases {
      for role in MemoryRole.allCases {
        let planned = plan.phases[phase]?[role] ?? .zero
        let found = seen.phases[phase]?[role] ?? .zero
        if planned != found {
          failures.append(
            "the memory plan of \(phase.rawValue) has \(planned.count) bytes of \(role.label), "
              + "the ledger \(found.count)")
        }
      }
    }
    let highest = MemoryPhase.allCases.map { phase in
      MemoryRole.allCases.reduce(0) { $0 + (seen.phases[phase]?[$1]?.count ?? 0) }
    }.max()
    if plan.peak.count != highest {
      failures.append(
        "the memory plan's peak is \(plan.peak.count) bytes, the ledger's highest phase "
          + "\(highest ?? 0)")
    }
  }
}
