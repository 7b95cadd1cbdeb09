package import Kernels
package import Quantities

/// A kernel that can be swept: its problems, its operands, the ways of computing it.
///
/// A new kernel is one type that conforms, and one line in the catalog.
package protocol Workload: SendableMetatype {
  /// What pins one problem down. Each stored property is an axis that a suite may sweep:
  /// an `Int`, or an `AxisWord`; of an `AxisGroup` each is. `kvHeads` is written `kv-heads` in suites.
  associatedtype Problem: Codable & Hashable & Sendable
  /// The tensors of one problem, by their names in the kernel.
  associatedtype Operands: OperandSet

  /// What suites, records and the command line call it: lower case, with hyphens.
  static var name: String { get }
  /// One sentence for `headroom list`.
  static var about: String { get }
  /// The smallest problem that takes every path: it names the axes and feeds the conformance tests.
  static var smallest: Problem { get }
  /// Values of the axes that may be left out, by their name in suites. Shape axes have none.
  static var defaults: [String: String] { get }
  /// The ways of computing it; the first is the reference that the others must agree with.
  static var variants: [Variant<Self>] { get }

  /// Throws a `ProblemFault` for values that fit their types and still make no problem.
  static func validate(_ problem: Problem) throws
  /// An upper bound on the operations of a call and, with room to spare, on the bytes that it works on, in
  /// floating point: what 64 bits cannot count is refused by it, so that other formulas need not look.
  static func workBound(of problem: Problem) -> Double
  /// What a call must do at the least, whoever computes it: operations by the formula, not by an
  /// implementation, each operand read once and each result written once. Rates and shares of the ceiling
  /// follow from it.
  static func work(of problem: Problem) -> Work
  /// Allocates the operands, and fills weights and inputs with numbers that follow from the seed alone. Where
  /// the ledger only plans, nothing is filled.
  ///
  /// - Throws: `LedgerFault` where they do not fit.
  static func operands(for problem: Problem, seed: UInt64, in ledger: MemoryLedger) throws
    -> Operands
  /// What the sampled results should be, in fp64, and the magnitudes that errors are relative to: those of
  /// the terms that each result sums up. Operands are those of the problem, as a call is given them.
  static func expectation(
    of problem: Problem, _ operands: Operands, at sample: OutputSample
  ) -> Expectation
  /// How far a variant may stray from the reference, relative to the magnitudes of the expectation: derived
  /// from the arithmetic, and never fitted to what a kernel happens to do.
  static func tolerance(of problem: Problem) -> Tolerance
  /// A smaller problem to check in a problem's place where that is too large for fp64, and what is
  /// smaller; nil where it is checked itself.
  static func reduced(_ problem: Problem) -> (problem: Problem, label: String)?
  /// Whether each call does the same again: not so where it changes what it works on.
  static var isRepeatable: Bool { get }
  /// Whether all results are checked: one costs the reference as much as all.
  static var checksAll: Bool { get }
}

extension Workload {
  package static var defaults: [String: String] { [:] }
  package static func validate(_ problem: Problem) throws {}
  package static var isRepeatable: Bool { true }
  package static var checksAll: Bool { false }
  package static func reduced(_ problem: Problem) -> (problem: Problem, label: String)? { nil }
}

/// The product of axes, however large.
func product(_ factors: Int...) -> Double { factors.reduce(1) { $0 * Double($1) } }

extension Workload {
  /// What preparing and running allocate, by role and phase: counted by the code that allocates it, so that
  /// a ledger agrees to the byte.
  package static func rehearsal(of problem: Problem, variant: Variant<Self>, threads: Int) throws
    -> Rehearsal
  {
    let execution = Execution.planning(threads: threads)
    let kernel = try prepare(problem, variant, execution)
    execution.ledger.begin(.run)
    kernel.rehearse()
    return withExtendedLifetime(kernel) {
      Rehearsal(plan: execution.ledger.plan, needed: execution.ledger.needed)
    }
  }

  /// What is live in each phase of such a dry run.
  package static func plan(of problem: Problem, variant: Variant<Self>, threads: Int) throws
    -> MemoryPlan
  {
    try rehearsal(of: problem, variant: variant, threads: threads).plan
  }

  /// The operands are let go of at the end: what a kernel does not keep, an engine would not, either.
  private static func prepare(_ problem: Problem, _ variant: Variant<Self>, _ execution: Execution)
    throws -> any Kernel
  {
    execution.ledger.begin(.operands)
    let operands = try operands(for: problem, seed: 0, in: execution.ledger)
    execution.ledger.begin(.preparation)
    return try withExtendedLifetime(operands) {
      try variant.prepare(problem, operands, execution)
    }
  }
}
