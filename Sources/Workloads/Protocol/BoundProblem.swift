package import Quantities
package import Records

/// A workload's problem, decoded once, with its types hidden: what a plan needs of it.
package protocol BoundProblem: Sendable {
  /// Problems of one workload are the same work where these are equal.
  var key: AnyHashable { get }
  /// The values of its axes, as a child is sent them.
  var axes: [String: AxisValue] { get }
  /// Whether 64 bits can count its operations and bytes.
  var isCountable: Bool { get }
  /// Throws a `ProblemFault` for values that make no problem together.
  func validate() throws
  /// What a call must do at the least.
  var work: Work { get }
  /// Operations of the results that are held against the reference, in fp64, before a case is timed.
  var checkedFlops: Int { get }
  /// Why a variant has nothing for it, if so.
  func declined(by variant: String) -> String?
  /// What preparing and running allocate; nil for a variant that there is not.
  func rehearsal(variant: String, threads: Int) throws -> Rehearsal?
}

private struct Bound<W: Workload>: BoundProblem {
  let problem: W.Problem
  let axes: [String: AxisValue]

  var key: AnyHashable { AnyHashable(problem) }
  // Doubles are exact enough below a power of two that is left free.
  var isCountable: Bool { W.workBound(of: problem) < 0x1p62 }
  var work: Work { W.work(of: problem) }

  var checkedFlops: Int {
    let flops = W.work(of: W.reduced(problem)?.problem ?? problem).flops
    // Else as many results are drawn as cost so much, where there are so many.
    return W.checksAll ? flops : min(flops, OutputSample.flopBudget)
  }

  func validate() throws { try W.validate(problem) }

  func declined(by variant: String) -> String? {
    W.variant(named: variant)?.declines(problem)
  }

  func rehearsal(variant: String, threads: Int) throws -> Rehearsal? {
    try W.variant(named: variant).map {
      try W.rehearsal(of: problem, variant: $0, threads: threads)
    }
  }
}

extension Workload {
  /// A problem from the values of its axes by the names of their properties: all side by side, those of
  /// groups, too.
  package static func problem(_ axes: [String: AxisValue]) throws -> Problem {
    try Problem(from: AxisDecoder(axes: axes))
  }

  /// The problem that axes make, with its types hidden.
  ///
  /// - Throws: `DecodingError` for an axis that is missing or of the wrong kind.
  package static func bind(_ axes: [String: AxisValue]) throws -> any BoundProblem {
    Bound<Self>(problem: try problem(axes), axes: axes)
  }
}
