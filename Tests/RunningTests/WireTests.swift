import Foundation
import Quantities
import Records
import Running
import Testing

@Suite struct WireTests {
  /// What an outside kernel's script reads and writes.
  @Test(arguments: [
    (Request.sample, #"{"sample":{}}"#), (.finish, #"{"finish":{}}"#),
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
}
