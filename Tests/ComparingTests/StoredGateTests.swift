import Comparing
import Foundation
import Quantities
import Records
import Testing

/// A stored result is a claim, and must be one that a gate can have made.
@Suite struct StoredGateTests {
  private func fault(_ change: (inout String) -> Void) throws -> Fault? {
    let specimen = GateSpecimen(
      commit: "c", seed: 1, cells: [.init(name: "a", base: 1, head: 1, blocks: 9)])
    var text = String(decoding: specimen.data, as: UTF8.self)
    change(&text)
    do {
      _ = try GateReplay.parse(InputFile(Data(text.utf8), from: "r", as: "result"))
      return nil
    } catch {
      return (error as? any FaultConvertible)?.fault
    }
  }

  @Test(arguments: [
    (#""tolerated":[^,}]*"#, #""tolerated":-0.99999"#),
    (#""tolerated":[^,}]*"#, #""tolerated":0.5"#),
    (#""detected":[^,}]*"#, #""detected":1e308"#), (#""false_alarm":[^,}]*"#, #""false_alarm":1"#),
    (#""false_alarm":[^,}]*"#, #""false_alarm":0"#), (#""missed":[^,}]*"#, #""missed":-1"#),
    (#""screen_least":[^,}]*"#, #""screen_least":0"#),
    (#""screen_most":[^,}]*"#, #""screen_most":1"#),
    (#""confirm_most":[^,}]*"#, #""confirm_most":99999999"#),
    (#""suspicion":[^,}]*"#, #""suspicion":0"#),
  ])
  func `what it may not claim is refused`(pattern: String, replacement: String) throws {
    let regex = try Regex(pattern)
    #expect(try fault { _ in } == nil)
    let found = try fault { text in
      #expect(text.contains(regex))
      text.replace(regex, with: replacement)
    }
    #expect(found?.what.hasPrefix("the file of paired timings cannot be read: ") == true)
    #expect(found?.place == "r")
  }

  private func result(_ lines: String) throws -> GateResult {
    let specimen = GateSpecimen(
      commit: "c", seed: 1, cells: [.init(name: "a", base: 1, head: 1, blocks: 2)])
    let document = String(decoding: specimen.data, as: UTF8.self).replacing("\n", with: " ")
    let input = try InputFile(Data("\(document)\n\(lines)".utf8), from: "r", as: "result")
    guard case .result(let result) = try GateReplay.parse(input) else {
      throw Fault("there is no result")
    }
    return result
  }

  private static let counts = #"{"bytes":{}}"#
  private static func block(_ cell: String, base: Double = 1) -> String {
    #"{"block":{"cell":"\#(cell)","times":{"base":[\#(base)],"head":[1]},"#
      + #""base":\#(counts),"head":\#(counts)}}"#
  }

  @Test func `lines below the document are blocks of a gate that did not end`() throws {
    let none = try result("")
    #expect(!none.isUnfinished)
    #expect(none.cells.map(\.blocks.count) == [2])
    let some = try result(
      Self.block("a") + "\n" + #"{"null":{"times":{"base":[1],"head":[1]}}}"# + "\n")
    #expect(some.isUnfinished)
    #expect(some.cells.map(\.blocks.count) == [3])
    #expect(some.null.count == none.null.count + 1)
    let failed = try result(#"{"failure":{"cell":"a","reason":"head: gone"}}"#)
    #expect(failed.answer.cells.map(\.reason) == ["head: gone"])
  }

  @Test(arguments: [
    (block("b") + "\n", "line 2 is of a case that is not judged"),
    (block("a", base: 0) + "\n", "base has the time 0.0, in line 2"),
    (block("a") + "\n{}\n", "line 3 is no block of a gate"),
    ("what\n", "line 2 is no block of a gate"), ("what", "line 2 is no block of a gate"),
    (#"{"block":{"cell""# + "\n", "line 2 is no block of a gate"),
    (#"{"block":{"cell""# + "\n" + block("a"), "line 2 is no block of a gate"),
  ])
  func `a line that cannot be is refused, but for half a last one`(line: String, words: String)
    throws
  {
    let fault = #expect(throws: InputFault.self) { try result(line) }
    #expect(fault?.fault.what.hasSuffix(words) == true)
    #expect(try result(#"{"block":{"cell""#).cells.map(\.blocks.count) == [2])
  }

  /// Neither rests on times, so no restless machine takes its word from them.
  @Test func `a side that did not end well fails, whatever blocks and null say`() throws {
    func answer(_ failure: String, null: String) throws -> GateAnswer {
      let blocks = Array(repeating: #"{"base":[1],"head":[1]}"#, count: 20).joined(separator: ",")
      let text =
        #"{"cells":[{"name":"a","blocks":[\#(blocks)]\#(failure)}],"null":[\#(null)]}"#
      return try PairedTimings.parse(InputFile(Data(text.utf8), from: "r", as: "timings")).answer()
    }
    let restless = Array(repeating: #"{"base":[1],"head":[1.5]}"#, count: 40).joined(separator: ",")
    let failure = #","failure":"head: crashed""#
    #expect(try answer("", null: "").verdict == .pass)
    #expect(try answer(failure, null: "").verdict == .failed)
    #expect(try answer("", null: restless).verdict == .contaminated)
    #expect(try answer(failure, null: restless).verdict == .failed)
  }

  @Test(arguments: [
    #"{"tolerated":0.5,"detected":0.1}"#, #"{"tolerated":-0.9,"detected":0.1}"#,
    #"{"tolerated":0.02,"detected":1e308}"#,
  ])
  func `plain timings may not, either`(tolerance: String) {
    let text = #"{"cells":[{"name":"a","tolerance":\#(tolerance),"blocks":[]}]}"#
    #expect(throws: InputFault.self) {
      try GateReplay.parse(InputFile(Data(text.utf8), from: "r", as: "result"))
    }
  }
}
