import Kernels
import Planning
import Quantities
import Records
import Synchronization
import Testing
import Workloads

struct DecodeOnceTests {
  @Test func `each planned case decodes its problem once`() throws {
    let catalog = WorkloadCatalog(workloads: [Counted.self]) { _ in nil }
    let before = Counted.decoded.withLock { $0 }
    let suite = try Suite(inlineWorkload: "counted", axes: ["rows=1,2,3", "cache=warm,cold"])
    let plan = try Planner(catalog: catalog, cores: 1).plan(suite)
    #expect(plan.cases.count == 6)
    #expect(Counted.decoded.withLock { $0 } - before == 6)
  }
}

/// A workload whose problem counts how often it is decoded.
private enum Counted: OnlyPlanned {
  static let decoded = Mutex(0)

  struct Problem: Codable, Hashable, Sendable {
    let rows: Int

    init(rows: Int) { self.rows = rows }

    enum CodingKeys: String, CodingKey { case rows }

    init(from decoder: any Decoder) throws {
      rows = try decoder.container(keyedBy: CodingKeys.self).decode(Int.self, forKey: .rows)
      decoded.withLock { $0 += 1 }
    }
  }

  static let name = "counted"
  static let smallest = Problem(rows: 1)
  static var variants: [Variant<Counted>] {
    ["reference", "own"].map { name in
      Variant(name: name, kind: name == "own" ? .own : .reference) { _, _, _ in Nothing() }
    }
  }

  private final class Nothing: Kernel {
    func run() {}
  }
}
