import Foundation
import Kernels
import Workloads
import Planning
import Quantities
import Records
import Testing

struct PlannerTests {
  @Test func `a sweep that names every shape axis once is one case`() throws {
    let plan = try toyPlan("rows: 8")
    let planned = try #require(plan.cases.first)
    #expect(plan.cases.count == 1)
    #expect((planned.variant, planned.threads, planned.cache) == ("fast", 4, .warm))
    #expect(planned.work.flops == 8)
    #expect(planned.predicted.peak == Bytes(8 * 4 + 4 * 4))
    #expect((planned.memoryLimit, planned.group, planned.isCompetitor) == (nil, nil, false))
  }

  @Test func `axes keep their fixed order, whatever the suite's`() throws {
    let plan = try toyPlan("cache: [warm, cold]\nmask: causal\nrows: [2, 1]\nthreads: 1")
    #expect(
      plan.ids == [
        "toy/rows=2,kv-heads=1,mask=causal,precision=fp32,variant=best,threads=1,cache=warm",
        "toy/rows=2,kv-heads=1,mask=causal,precision=fp32,variant=best,threads=1,cache=cold",
        "toy/rows=1,kv-heads=1,mask=causal,precision=fp32,variant=best,threads=1,cache=warm",
        "toy/rows=1,kv-heads=1,mask=causal,precision=fp32,variant=best,threads=1,cache=cold",
      ])
  }

  @Test func `all is every variant but the reference, and what is missing is skipped`() throws {
    let plan = try toyPlan("rows: 1\nvariant: all")
    #expect(plan.cases.map(\.variant) == ["plain", "fast", "rival"])
    #expect(plan.cases.map(\.isCompetitor) == [false, false, true])
    #expect(skippedValues("variant", of: plan) == ["fastest"])
    #expect(plan.skips.map(\.reason) == ["no avx512 here"])
  }

  @Test func `the reference runs when it is named`() throws {
    #expect(try toyPlan("rows: 1\nvariant: reference").cases.map(\.kind) == [.reference])
  }

  @Test func `more threads than cores are skipped with the reason`() throws {
    let plan = try toyPlan("rows: 1\nthreads: [4, 8]")
    #expect(plan.cases.map(\.threads) == [4])
    #expect(plan.skips.map(\.reason) == ["8 threads, and 4 cores to run on"])
  }

  @Test func `a skip rule gives its reason, and all of its conditions must hold`() throws {
    let plan = try toyPlan(
      "rows: [1, 2, 3]\nprecision: [fp32, fp16]",
      entry: "skip: [{ where: { rows: [1, 2], precision: fp16 }, because: covered elsewhere }]")
    #expect(plan.cases.count == 4)
    #expect(skippedValues("rows", of: plan) == ["1", "2"])
    #expect(plan.skips.map(\.reason) == ["covered elsewhere", "covered elsewhere"])
    #expect(plan.notes == [])
  }

  @Test func `a skip rule may take out what would be no problem`() throws {
    let plan = try toyPlan(
      "rows: [1, 1000]", entry: "skip: [{ where: { rows: 1000 }, because: too long }]")
    #expect(plan.skips.map(\.reason) == ["too long"])
  }

  @Test func `a skip rule that matches nothing is noted`() throws {
    let plan = try toyPlan("rows: 1", entry: "skip: [{ where: { rows: 2 }, because: why not }]")
    #expect(plan.notes.map(\.description) == ["suites/t.yaml:6:12: no case is skipped 'why not'"])
  }

  @Test(arguments: [
    ("variant: [best, fast]", "variant=best", "variant=fast"),
    ("threads: [all, 4]", "threads=all", "threads=4"),
    ("memory-limit: [1GiB, 1024MiB]", "memory-limit=1GiB", "memory-limit=1024MiB"),
  ])
  func `cases that become equal are merged with a note`(
    axis: String, kept: String, merged: String
  ) throws {
    let plan = try toyPlan("rows: 1\n\(axis)")
    let planned = try #require(plan.cases.first)
    #expect(plan.cases.count == 1)
    #expect(planned.case.id.contains(kept))
    #expect(planned.merged.count == 1)
    #expect(planned.merged.first?.contains(merged) == true)
    #expect(plan.notes == [.merged(id: planned.merged[0], into: planned.case.id)])
  }

  @Test(arguments: [
    "threads: [1, 2]", "cache: [warm, cold]", "memory-limit: [1GiB, 2GiB]",
    "variant: [plain, fast]", "kv-heads: [1, 2]",
  ])
  func `cases that differ once resolved are not merged`(axis: String) throws {
    let plan = try toyPlan("rows: 1\n\(axis)")
    #expect(plan.cases.count == 2)
    #expect(plan.notes == [])
  }

  @Test func `a memory limit is in the id only when it is asked for as an axis`() throws {
    let suite = toySuite("rows: 1\nmemory-limit: [512MiB, 8 GiB]")
    #expect(try values("memory-limit", of: plan(suite)) == ["512MiB", "8GiB"])
    #expect(try plan(suite).cases.map(\.memoryLimit) == [.mebibytes(512), .gibibytes(8)])
    let common = try plan(toySuite("rows: 1") + "\nmeasure: { memory-limit: 1 GiB }")
    #expect(common.cases.map(\.memoryLimit) == [.gibibytes(1)])
    #expect(values("memory-limit", of: common) == [])
  }

  @Test func `every planned id reads back as its case`() throws {
    let plan = try toyPlan("rows: [1, 2]\nvariant: all\nmemory-limit: 8 GiB")
    #expect(plan.ids.map { Case(id: $0) } == plan.cases.map(\.case) + plan.skips.map(\.case))
  }

  @Test func `best on a machine that supports no own variant is skipped`() throws {
    let catalog = WorkloadCatalog(workloads: [OnlyFast.self]) { _ in "nothing here" }
    let suite = try Suite(inlineWorkload: "only-fast", axes: [])
    let plan = try Planner(catalog: catalog, cores: 1).plan(suite)
    #expect(plan.skips.map(\.reason) == ["no variant of only-fast of our own runs on this machine"])
  }
}

/// A workload without axes whose own variant needs what the machine lacks.
private enum OnlyFast: OnlyPlanned {
  struct Problem: Codable, Hashable, Sendable {}
  static let name = "only-fast"
  static let smallest = Problem()
  static var variants: [Variant<OnlyFast>] {
    [
      Variant(name: "reference", kind: .reference) { _, _, _ in throw Fault("never run") },
      Variant(name: "fast", requirements: [.avx2]) { _, _, _ in throw Fault("never run") },
    ]
  }
}
