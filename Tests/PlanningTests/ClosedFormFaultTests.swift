import Kernels
import MemoryPlanning
import Planning
import Quantities
import Testing
import Workloads

/// Values that make no problem are told, and trap nowhere.
struct ClosedFormFaultTests {
  private static let matmul = ["m": "9", "n": "33", "k": "17", "precision": "fp32"]

  @Test(arguments: [
    ("m", "x", "m is 'x', which is not a whole number from 1 up that memory could hold"),
    ("m", "0", "m is '0', which is not a whole number from 1 up that memory could hold"),
    ("m", "", "m is '', which is not a whole number from 1 up that memory could hold"),
    ("precision", "fp61", "precision knows no 'fp61'; did you mean 'fp16'?"),
    ("m", "200000000000000", "this case of matmul is larger than any machine's memory"),
  ])
  func `a value that does not parse is a fault`(axis: String, value: String, what: String) throws {
    let values = Self.matmul.merging([axis: value]) { $1 }
    let fault = try faultOf {
      try ClosedForm.plan(of: "matmul", values, instructions: .portable, threads: 1)
    }
    #expect(fault?.what == what)
    #expect(fault?.mend?.isEmpty == false)
  }

  @Test func `a value that is left out is a fault`() throws {
    var values = Self.matmul
    values["k"] = nil
    let fault = try faultOf {
      try ClosedForm.plan(of: "matmul", values, instructions: .portable, threads: 1)
    }
    #expect(fault?.what == "matmul has no value for k")
  }

  @Test(arguments: [-1, 0, 1 << 40])
  func `threads that no machine has are a fault`(threads: Int) throws {
    let fault = try faultOf {
      try ClosedForm.plan(of: "matmul", Self.matmul, instructions: .portable, threads: threads)
    }
    #expect(fault?.what == "\(threads) threads cannot run a case")
  }

  private static let extremes = [
    "", "-1", "0", "65537", "1048577", "4294967296", "281474976710655", "9223372036854775807",
    "9223372036854775808", "window(281474976710655)", "pages(0)", "pages(99999999999999999999)",
    "tokens(281474976710655)", "full", "none", "off", "mixed", "awq", "nf4", "q4_k",
  ]

  /// What is held here is that each of them ends: with a plan, or with a fault.
  @Test(arguments: WorkloadCatalog.standard.names, extremes)
  func `no value of any axis is a trap`(name: String, value: String) throws {
    let workload = try #require(WorkloadCatalog.standard[name])
    let found = FormProblems(around: workload.type, workload)
    let smallest = try #require(found.problems.first)
    let axes = workload.axes.map(\.name)
    let pairs = axes.flatMap { first in axes.map { Set([first, $0]) } }
    for changed in Set(pairs + [Set(axes)]) {
      let values = smallest.merging(changed.map { ($0, value) }) { $1 }
      for threads in [1, 1 << 14] {
        do {
          for variant in ["reference", "naive", "portable", "avx512-vnni"] {
            let plan = try ClosedForm.plan(
              of: name, values, variant: variant, threads: threads)
            #expect(plan?.peak ?? .zero >= .zero)
          }
        } catch let fault as FormFault {
          #expect(fault.fault.mend?.isEmpty == false)
        }
      }
    }
  }
}
