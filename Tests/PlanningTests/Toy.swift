import Kernels
import OrderedCollections
import Planning
import Quantities
import Records
import Workloads

/// A workload that is only planned: a shape, a word, and a variant of every kind.
enum Toy: Workload {
  enum Mask: String, AxisWord { case off, causal }

  struct Problem: Codable, Hashable, Sendable {
    let rows: Int
    let kvHeads: Int
    let mask: Mask
    let precision: ElementType
  }

  struct Operands: OperandSet {
    var weights: Allocation?
    let operands: [Operand] = []
  }

  static let name = "toy"
  static let about = "Nothing, in rows."
  static let smallest = Problem(rows: 3, kvHeads: 2, mask: .off, precision: .fp32)
  static let defaults = ["kv-heads": "1", "mask": "off", "precision": "fp32"]
  static var variants: [Variant<Toy>] {
    [
      variant("reference", .reference), variant("plain"), variant("fast"),
      variant("fastest", needs: [.avx512]), variant("rival", .competitor),
    ]
  }

  static func validate(_ problem: Problem) throws {
    guard problem.rows < 1000 else {
      throw ProblemFault(
        axis: "rows", what: "rows is \(problem.rows), and 999 fit", fix: "use fewer rows")
    }
  }

  static func workBound(of problem: Problem) -> Double {
    8 * Double(problem.rows) * Double(problem.kvHeads)
  }

  static func work(of problem: Problem) -> Work {
    Work(
      flops: problem.rows * problem.kvHeads, bytesRead: Bytes(problem.rows * 4),
      bytesWritten: Bytes(problem.kvHeads), format: .fp32)
  }

  static func operands(for problem: Problem, seed: UInt64, in ledger: MemoryLedger) throws
    -> Operands
  {
    Operands(weights: try ledger.allocate(Bytes(problem.rows * 4), role: .weights))
  }

  static func expectation(
    of problem: Problem, _ operands: Operands, at sample: OutputSample
  ) -> Workloads.Expectation {
    Workloads.Expectation(values: [], magnitudes: [])
  }

  static func tolerance(of problem: Problem) -> Tolerance { .sum(roundings: 1) }

  private static func variant(
    _ name: String, _ kind: VariantKind = .own, needs requirements: [Capability] = []
  ) -> Variant<Toy> {
    Variant(name: name, kind: kind, requirements: requirements) { _, operands, execution in
      Idle(
        weights: operands.weights,
        workspace: try execution.ledger.allocate(
          Bytes(name.count * execution.threads), role: .workspace))
    }
  }

  private final class Idle: Kernel {
    private let held: [Allocation?]

    init(weights: Allocation?, workspace: Allocation) { held = [weights, workspace] }

    func run() {}
  }
}

/// A workload of one operation that is planned and never run: a test says what matters to it.
protocol OnlyPlanned: Workload where Operands == Toy.Operands {}

extension OnlyPlanned {
  static var about: String { "" }
  static func workBound(of problem: Problem) -> Double { 1 }
  static func work(of problem: Problem) -> Work {
    Work(flops: 1, bytesRead: .zero, bytesWritten: .zero, format: .fp32)
  }
  static func operands(for problem: Problem, seed: UInt64, in ledger: MemoryLedger)
    -> Toy.Operands
  { Toy.Operands() }
  static func expectation(of: Problem, _ operands: Toy.Operands, at sample: OutputSample)
    -> Workloads.Expectation
  { Workloads.Expectation(values: [], magnitudes: []) }
  static func tolerance(of problem: Problem) -> Tolerance { .sum(roundings: 1) }
}

/// Toy and matmul, on a machine without AVX-512 (or with all, where asked).
func toyCatalog(lacking: [Capability] = [.avx512]) -> WorkloadCatalog {
  WorkloadCatalog(workloads: [Toy.self, MatmulWorkload.self]) { capability in
    lacking.contains(capability) ? "no \(capability.rawValue) here" : nil
  }
}

/// The plan of a suite's text on four cores.
func plan(_ text: String, axes: [String] = [], options: MeasureOptions = MeasureOptions()) throws
  -> Plan
{
  let suite = try SuiteReader.parse(text, path: "suites/t.yaml")
  return try Planner(catalog: toyCatalog(), cores: 4)
    .plan(suite.replacing(axes, in: toyCatalog()), options: options)
}

/// The plan of one entry for toy; what is given stands below `axes:`, from line 5 and column 7 on.
func toyPlan(_ axes: String, entry: String = "") throws -> Plan {
  try plan(toySuite(axes, entry: entry))
}

func toySuite(_ axes: String, entry: String = "") -> String {
  let lines = axes.split(separator: "\n").map { "      \($0)" }
  let more = entry.split(separator: "\n").map { "    \($0)" }
  return (["suite: t", "sweep:", "  - workload: toy", "    axes:"] + lines + more)
    .joined(separator: "\n")
}

func inlinePlan(_ workload: String, _ axes: [String]) throws -> Plan {
  try Planner(catalog: toyCatalog(), cores: 4)
    .plan(Suite(inlineWorkload: workload, axes: axes))
}

/// The fault that the body ends with; nil where it ends well.
func faultOf(_ body: () throws -> some Any) throws -> Fault? {
  do {
    _ = try body()
    return nil
  } catch let error as any FaultConvertible {
    return error.fault
  }
}

/// The values of one axis in plan order.
func values(_ axis: String, of plan: Plan) -> [String] {
  plan.cases.compactMap { $0.case.axes[axis]?.text }
}

/// The values of one axis of what is skipped.
func skippedValues(_ axis: String, of plan: Plan) -> [String] {
  plan.skips.compactMap { $0.case.axes[axis]?.text }
}
