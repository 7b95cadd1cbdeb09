import Foundation
import Kernels
import MemoryPlanning
import OrderedCollections
import Planning
import Quantities
import Records
import Testing
import Workloads

/// Formulas of what workloads allocate, held against the workloads' own code, which a ledger counts.
struct ClosedFormTests {
  private static let catalog = WorkloadCatalog.standard
  private static let withForms = catalog.names.filter { $0 != TrainingStepWorkload.name }

  @Test(arguments: withForms)
  func `a form is what the ledger counts, around the smallest problem and far from it`(
    name: String
  ) throws {
    let workload = try #require(Self.catalog[name])
    var found = FormProblems(around: workload.type, workload)
    let grids = try #require(largerProblems[name])
    for grid in grids { found.add(grid) }
    var tally = Tally()
    for values in found.problems { try tally.compare(values, of: workload, found) }
    #expect(tally.differences.prefix(3) == [])
    // Each problem is compared in each way that this machine has, or refused by both.
    let ways = workload.variants.count { $0.kind != .competitor && $0.unavailable == nil }
    #expect(ways >= 2)
    #expect(
      tally.compared + tally.declined == (found.problems.count - tally.refused) * ways
        * Tally.threads.count)
    #expect(tally.compared >= 2 * found.problems.count / 3)
  }

  @Test func `a step of training alone has no form`() throws {
    let without = try Self.catalog.workloads.filter { workload in
      let found = FormProblems(around: workload.type, workload)
      let values = try #require(found.problems.first)
      return try ClosedForm.plan(of: workload.name, values, instructions: nil, threads: 1) == nil
    }
    #expect(without.map(\.name) == ["training-step"])
    #expect(try ClosedForm.plan(of: "no-such", [:], instructions: nil, threads: 1) == nil)
  }

  @Test(arguments: ["openblas", "onednn", "mkl", "exec:python3 x.py", "best", "all"])
  func `what others compute, and what is no variant, has no form`(variant: String) throws {
    let values = ["m": "1", "n": "8", "k": "8", "precision": "fp32"]
    #expect(try ClosedForm.plan(of: "matmul", values, variant: variant, threads: 1) == nil)
  }

  @Test func `a form is asked for by instructions or by the name of a variant`() throws {
    let values = ["m": "9", "n": "33", "k": "17", "precision": "fp32"]
    let named = try ClosedForm.plan(of: "matmul", values, variant: "avx2", threads: 2)
    let asked = try ClosedForm.plan(of: "matmul", values, instructions: .avx2, threads: 2)
    let reference = try ClosedForm.plan(of: "matmul", values, instructions: nil, threads: 2)
    #expect(named != nil && named == asked)
    #expect(reference?.byRole == [.weights: Bytes(4 * 33 * 17), .activations: Bytes(4 * 450)])
  }
}

/// What was compared, and what differed.
private struct Tally {
  static let threads = [1, 2, 7]

  private(set) var compared = 0
  /// Problems that both say there is none of.
  private(set) var refused = 0
  /// Ways that have nothing for a problem.
  private(set) var declined = 0
  private(set) var differences: [String] = []

  mutating func compare(
    _ values: [String: String], of workload: WorkloadDescription, _ found: FormProblems
  ) throws {
    let problem = try found.problem(values)
    for variant in workload.variants where variant.kind != .competitor {
      guard variant.unavailable == nil else { continue }
      guard let problem else { continue }
      guard problem.declined(by: variant.name) == nil else {
        declined += Self.threads.count
        continue
      }
      for threads in Self.threads {
        let plan = try workload.memory(of: problem, variant: variant.name, threads: threads)
        try compare(plan, values, of: workload.name, variant.name, threads)
      }
    }
    guard problem == nil else { return }
    refused += 1
    do {
      _ = try ClosedForm.plan(of: workload.name, values, instructions: nil, threads: 1)
      differences.append("\(values) is no problem, and has a form")
    } catch is FormFault {
    }
  }

  mutating func compare(
    _ plan: MemoryPlan, _ values: [String: String], of name: String, _ variant: String,
    _ threads: Int
  ) throws {
    compared += 1
    let form = try ClosedForm.plan(of: name, values, variant: variant, threads: threads)
    guard form != plan else { return }
    differences.append(
      "\(name) \(values.sorted { $0.key < $1.key }) \(variant) on \(threads): a ledger counts "
        + "\(plan.phases), the form says \(form?.phases ?? [:])")
  }

  mutating func compare(_ planned: PlannedCase) throws {
    let pairs = planned.case.axes.map { ($0.key, $0.value.text) }
    try compare(
      planned.predicted, Dictionary(uniqueKeysWithValues: pairs), of: planned.case.workload,
      planned.variant, planned.threads)
  }
}

extension ClosedFormTests {
  @Test(arguments: try suites())
  func `each case of the shipped suites has the form of its plan`(suite: String) throws {
    let plan = try Planner(cores: 2).plan(try SuiteReader.read("suites/\(suite)"))
    let own = plan.cases.filter {
      !$0.isCompetitor && $0.case.workload != TrainingStepWorkload.name
    }
    var tally = Tally()
    for planned in own { try tally.compare(planned) }
    #expect(tally.differences.prefix(3) == [])
    #expect(tally.compared == own.count)
    #expect(!plan.cases.isEmpty)
  }

  private static func suites() throws -> [String] {
    let files = try FileManager.default.contentsOfDirectory(atPath: "suites")
    return files.filter { $0.hasSuffix(".yaml") }.sorted()
  }
}
