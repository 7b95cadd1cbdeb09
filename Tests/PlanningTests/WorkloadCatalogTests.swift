import Foundation
import Kernels
import Workloads
import Planning
import Quantities
import Records
import Testing

struct WorkloadCatalogTests {
  let catalog = toyCatalog()

  @Test func `axes are the problem's stored properties in kebab case`() throws {
    let toy = try #require(catalog["toy"])
    #expect(toy.axes.map(\.name) == ["rows", "kv-heads", "mask", "precision"])
    #expect(toy.axes.map(\.domain)[0] == .number(orWords: []))
    #expect(toy.axes.map(\.domain)[2] == .words(["off", "causal"]))
    #expect(toy.axes.map { $0.defaultValue?.text } == [nil, "1", "off", "fp32"])
  }

  @Test func `the harness's axes come after the problem's`() throws {
    let toy = try #require(catalog["toy"])
    #expect(toy.allAxes.map(\.name).suffix(4) == ["variant", "threads", "cache", "memory-limit"])
  }

  @Test func `the standard catalog holds matmul`() throws {
    let matmul = try #require(WorkloadCatalog.standard["matmul"])
    #expect(matmul.axes.map(\.name) == ["m", "n", "k", "precision"])
    #expect(matmul.variants.first?.kind == .reference)
    #expect(WorkloadCatalog.open("matmul") == MatmulWorkload.self)
  }

  @Test(arguments: [([Capability.avx512], "fast"), ([], "fastest")])
  func `best is the last own variant that the machine supports`(
    lacking: [Capability], best: String
  ) throws {
    #expect(toyCatalog(lacking: lacking)["toy"]?.best?.name == best)
  }

  @Test func `a variant says why it is unavailable`() throws {
    let toy = try #require(catalog["toy"])
    #expect(toy.variant(named: "fastest")?.unavailable == "no avx512 here")
    #expect(toy.variant(named: "plain")?.unavailable == nil)
  }

  @Test func `problem, work and memory are had without the type`() throws {
    let toy = try #require(catalog["toy"])
    let given: [String: AxisValue] = [
      "rows": .number(8), "kv-heads": .number(3), "mask": .word("causal"),
      "precision": .word("fp32"), "cache": .word("warm"),
    ]
    let problem = try toy.problem { given[$0] }
    #expect(
      problem.axes == [
        "kvHeads": .number(3), "mask": .word("causal"), "precision": .word("fp32"),
        "rows": .number(8),
      ])
    #expect(problem.work.flops == 24)
    let memory = try toy.memory(of: problem, variant: "plain", threads: 2)
    #expect(memory.peak == Bytes(8 * 4 + 5 * 2))
    #expect(try Toy.problem(problem.axes).mask == .causal)
  }

  @Test func `an unknown variant is a fault with the nearest name`() throws {
    let toy = try #require(catalog["toy"])
    let problem = try toy.problem {
      $0 == "mask" ? .word("off") : $0 == "precision" ? .word("fp32") : .number(1)
    }
    let fault = try faultOf { try toy.memory(of: problem, variant: "plane", threads: 1) }
    #expect(fault == Fault("toy has no variant 'plane'", fix: "did you mean 'plain'?"))
  }
}
