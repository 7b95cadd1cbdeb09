import Foundation
import Quantities
import Records
import Running
import Testing

@Suite struct WireTests {
  /// What an outside kernel's script reads and writes.
  @Test(arguments: [
    (Request.sample(), #"{"sample":{}}"#),
    (.sample(calls: 5, samples: 20), #"{"sample":{"calls":5,"samples":20}}"#),
    (.finish, #"{"finish":{}}"#),
    (
      .probe(unit: "fma-512", level: .dram, threads: 2),
      #"{"probe":{"level":"dram","threads":2,"unit":"fma-512"}}"#
    ),
  ])
  func `requests are as scripts write them`(request: Request, text: String) throws {
    #expect(String(decoding: try JSONText.encode(request), as: UTF8.self) == text)
    let back = try JSONText.decode(Request.self, from: Data(text.utf8))
    #expect(String(decoding: try JSONText.encode(back), as: UTF8.self) == text)
  }

  @Test func `an answer survives the pipe`() throws {
    let check = Record.Check(
      passed: false, relative: 1e-3, tolerance: 1e-6, basis: "b", sampling: "all 1",
      worst: "row 0, column 0")
    let answer = Answer.failed(outcome: .failedCheck(reason: "far off\nby much"), check: check)
    let line = try JSONText.encode(answer)
    #expect(!line.contains(UInt8(ascii: "\n")))
    guard case .failed(let outcome, let back) = try JSONText.decode(Answer.self, from: line) else {
      Issue.record("another answer came back")
      return
    }
    #expect(outcome == .failedCheck(reason: "far off\nby much"))
    #expect(back?.relative == 1e-3 && back?.worst == "row 0, column 0")
  }

  /// The work order of a script that drives a worker by itself: sizes are bytes, times seconds.
  static let prepare = prepare(problem: #"{"kvHeads":8,"m":1}"#)

  static func prepare(problem: String) -> String {
    #"{"prepare":{"order":{"cache":"cold","cpus":[0,1],"last_level_cache":33554432,"#
      + #""ledger":"/tmp/a.ledger","memory_limit":67108864,"#
      + #""problem":"# + problem + ","
      + #""sampling":{"block":0.125,"sample":0.25},"seed":18446744073709551615,"#
      + #""threads":2,"variant":"portable","workload":"matmul"}}}"#
  }

  @Test func `a work order is as scripts write it`() throws {
    let request = try JSONText.decode(Request.self, from: Data(Self.prepare.utf8))
    #expect(String(decoding: try JSONText.encode(request), as: UTF8.self) == Self.prepare)
    guard case .prepare(let order) = request else {
      Issue.record("another request was read")
      return
    }
    #expect(order.problem.axes == ["m": .number(1), "kvHeads": .number(8)])
    #expect(order.memoryLimit == .mebibytes(64) && order.cache == .cold && order.cpus == [0, 1])
    #expect(order.sampling.block == Seconds(0.125) && order.seed == .max)
  }

  /// A worker of an older build, or somebody's script of that time, reads JSON in a string.
  @Test func `the first protocol has the problem as a text`() throws {
    let text = Self.prepare(problem: #""{\"kvHeads\":8,\"m\":1}""#)
    let request = try JSONText.decode(Request.self, from: Data(text.utf8))
    #expect(String(decoding: try JSONText.encode(request), as: UTF8.self) == Self.prepare)
    #expect(String(decoding: try JSONText.encode(request.speaking(1)), as: UTF8.self) == text)
    #expect(
      String(decoding: try JSONText.encode(request.speaking(2)), as: UTF8.self) == Self.prepare)
  }

  @Test(arguments: [(1, true), (2, true), (0, false), (3, false)])
  func `a parent speaks its own protocol and the one before`(version: Int, isRead: Bool) throws {
    let line =
      #"{"anonymous":{"value":1},"process":7,"protocol":\#(version),"schema":"headroom.run/1"}"#
    #expect(((try? Hello.read(line)) != nil) == isRead)
  }

  @Test func `a work order may leave out what has no limit`() throws {
    let text = Self.prepare.split(separator: #""memory_limit":67108864,"#).joined()
    let request = try JSONText.decode(Request.self, from: Data(text.utf8))
    #expect(String(decoding: try JSONText.encode(request), as: UTF8.self) == text)
  }

  @Test(arguments: [
    #"{"block":{"samples":[0.125,0.25]}}"#,
    #"{"failed":{"outcome":{"kind":"budget","name":"out-of-memory","reason":"no"}}}"#,
    #"{"finished":{"_0":{"counters":{"cycles":{"value":3},"misses":{"unavailable":"none"}},"#
      + #""memory":{"allocations":1,"allocator":{},"anonymous_peak":{"value":4},"#
      + #""file":{"value":8},"harness":{"unavailable":"no"},"ledger":{"phases":{"run":"#
      + #"{"kv_cache":4}}},"live":{"weights":4},"phase":"run","resident_peak":"#
      + #"{"value":{"run":4}},"rotation":0}}}}"#,
    #"{"prepared":{"_0":{"calls":5,"check":{"basis":"b","passed":true,"relative":0,"#
      + #""sampling":"all 1","tolerance":0,"worst":"row 0, column 0"},"clock_cost":0.125,"#
      + #""preparation":{"bytes":64,"seconds":0.5},"rotation":2,"#
      + #""warm_up":{"cut":1,"steady":true,"windows":[0.5,0.25]}}}}"#,
    #"{"probe":{"_0":{"flops_per_second":4}}}"#,
  ])
  func `answers are as scripts read them`(text: String) throws {
    let answer = try JSONText.decode(Answer.self, from: Data(text.utf8))
    #expect(String(decoding: try JSONText.encode(answer), as: UTF8.self) == text)
  }

  @Test func `a worker's first line names protocol and schema`() throws {
    let text = #"{"anonymous":{"value":4096},"process":7,"protocol":2,"schema":"headroom.run/1"}"#
    let hello = try JSONText.decode(Hello.self, from: Data(text.utf8))
    #expect(hello.protocol == Schema.wireProtocol && hello.schema == Schema.run)
    #expect(String(decoding: try JSONText.encode(hello), as: UTF8.self) == text)
  }
}
