import Comparing
import Foundation
import Quantities
import Records
import Testing

struct PairedTimingsTests {
  private func parse(_ text: String) throws -> PairedTimings {
    try PairedTimings.parse(InputFile(Data(text.utf8), from: "blocks.json", as: "file"))
  }

  private func fault(_ text: String) -> Fault? {
    do {
      _ = try parse(text)
      return nil
    } catch {
      return (error as? any FaultConvertible)?.fault
    }
  }

  @Test func `the plain form is read`() throws {
    let timings = try parse(
      #"{"cells":[{"name":"a","blocks":[{"base":[1.0,2.0],"head":[1.5]}]}]}"#)
    #expect(timings.cells[0].blocks == [PairedBlock(base: [1, 2], head: [1.5])])
    #expect(timings.null == nil)
  }

  /// ln 1.5 − (ln 1 + ln 2) / 2
  @Test func `a block's difference is that of the mean logarithms`() {
    let block = PairedBlock(base: [1, 2], head: [1.5])
    #expect(abs(block.difference - (log(1.5) - log(2) / 2)) < 1e-15)
  }

  /// Neighbours differ by 1, 2 and 10 %; a means' difference would be of the last.
  @Test func `a block of alternating turns differs by the median of neighbours`() throws {
    let text =
      #"{"base":[1,4,1],"head":[1.01,4.08,1.1],"alternating":true}"#
    let block = try parse(#"{"cells":[{"name":"a","blocks":[\#(text)]}]}"#).cells[0].blocks[0]
    #expect(abs(block.difference - log(1.02)) < 1e-15)
    let swapped = PairedBlock(base: block.head, head: block.base, alternating: true)
    #expect(swapped.difference == -block.difference)
    let even = PairedBlock(base: [1, 1], head: [1.01, 1.1], alternating: true)
    #expect(abs(even.difference - (log(1.01) + log(1.1)) / 2) < 1e-15)
  }

  @Test(arguments: ["0", "-1", "1e999"])
  func `a time that is none is refused with its place`(time: String) {
    let words =
      fault(
        #"{"cells":[{"name":"a","blocks":[{"base":[1],"head":[1]},{"base":[1],"head":[\#(time)]}]}]}"#
      )?.description ?? ""
    #expect(words.contains("blocks.json"))
    if time != "1e999" { #expect(words.contains("in block 2 of 'a'")) }
  }

  @Test func `a side without times is refused`() {
    let words = fault(#"{"cells":[{"name":"a","blocks":[{"base":[],"head":[1]}]}]}"#)
    #expect(words?.what == "base has no times, in block 1 of 'a'")
  }

  @Test func `two cells of one name are refused`() {
    #expect(
      fault(#"{"cells":[{"name":"a","blocks":[]},{"name":"a","blocks":[]}]}"#)
        == PairedTimingsFault.duplicate("blocks.json", "a").fault)
  }

  @Test(arguments: [
    (#"{"cells":[{"name":"a","blocks":[{"base":[1],"hea"#, "is cut off"),
    (#"{"cells":[{"name":"a","blocks":[{"base":[NaN],"head":[1]}]}]}"#, "it is not whole JSON"),
    (#"{"cells":[{"blocks":[]}]}"#, "'name' is missing at cells.[0]"),
    (
      #"{"cells":[{"name":"a","blocks":[{"base":"x","head":[1]}]}]}"#,
      "cells.[0].blocks.[0].base is not of the kind it must be"
    ),
    ("[]", "the top is not of the kind it must be"),
  ])
  func `what cannot be read says where`(text: String, why: String) {
    #expect(fault(text)?.what.contains(why) == true)
    #expect(fault(text)?.place == "blocks.json")
  }

  @Test func `a missing file is no crash`() {
    #expect {
      try GateReplay.read("/nowhere/x.json")
    } throws: { ($0 as? InputFault)?.reason == .missing }
  }
}
