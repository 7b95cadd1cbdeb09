import Planning
import Quantities
import Records
import Testing

/// Cases that are predicted not to fit.
@Suite struct MisfitTests {
  private func plan(_ limit: String, room: MemoryRoom? = nil) throws -> Plan {
    try Planner(cores: 2, room: room).plan(
      SuiteReader.parse(
        """
        suite: t
        measure: { memory-limit: \(limit) }
        sweep:
          - workload: matmul
            axes: { m: 64, n: 1024, k: [64, 1024], threads: 1 }
        """, path: "t.yaml"))
  }

  private let room = MemoryRoom(
    limit: .mebibytes(3), bound: .machine, place: nil, installed: .mebibytes(3))

  @Test func `a case that fits says nothing`() throws {
    #expect(try plan("1 GiB").misfits.isEmpty)
  }

  @Test func `a case past the suite's limit is told with that`() throws {
    let misfits = try plan("2 MiB").misfits
    #expect(misfits.count == 1)
    let misfit = try #require(misfits.first?.misfit)
    #expect(misfit.needed == misfits.first?.predicted.peak)
    #expect(misfit.limit == .mebibytes(2) && misfit.owner == "memory-limit")
  }

  @Test func `the tighter limit of two is told`() throws {
    let misfit = try #require(try plan("1 GiB", room: room).misfits.first?.misfit)
    #expect(misfit.description.hasSuffix("the limit is 3.00 MiB (this machine's memory)"))
    #expect(try plan("2 MiB", room: room).misfits.first?.misfit?.owner == "memory-limit")
  }

  @Test func `skipping them leaves the reason`() throws {
    let plan = try plan("2 MiB")
    let skipping = plan.skippingMisfits
    #expect(skipping.cases.count == 1 && skipping.misfits.isEmpty)
    #expect(Set(skipping.ids) == Set(plan.ids))
    #expect(skipping.skips.last?.reason.hasPrefix("it is predicted not to fit: it needs ") == true)
  }

  @Test func `what just fits, fits`() {
    let bytes = Bytes.mebibytes(1)
    #expect(Misfit(needed: bytes, memoryLimit: bytes, room: nil) == nil)
    #expect(Misfit(needed: bytes + Bytes(1), memoryLimit: bytes, room: nil) != nil)
    #expect(Misfit(needed: bytes, memoryLimit: nil, room: nil) == nil)
  }

  @Test func `a cold case needs room for its copies, and cases that take turns for each other`()
    throws
  {
    func most(_ entry: String) throws -> Bytes {
      try Planner(cores: 2).plan(
        SuiteReader.parse(
          """
          suite: t
          sweep:
            - workload: matmul
              axes: { m: 64, n: 1024, k: 64, \(entry)
          """, path: "t.yaml")
      ).mostNeeded(cache: .mebibytes(32))
    }
    let one = try most("threads: 1 }")
    #expect(try most("threads: 1, cache: cold }") == one + .mebibytes(512))
    #expect(try most("threads: [1, 2] }") < one + one)
    #expect(try most("threads: [1, 2] }\n    interleave: threads") >= one + one)
  }
}
