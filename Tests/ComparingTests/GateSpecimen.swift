import Foundation

/// A stored result of a gate as its file has it, with cases of our choosing.
struct GateSpecimen {
  /// One case: the blocks' seconds of base and head, and what was found of it.
  struct Cell {
    var name: String
    var base: Double
    var head: Double
    var blocks: Int
    /// The judged change, where there is one.
    var median: Double?
    /// Head's allocations, of which base has 100.
    var allocations = 100

    var text: String {
      let block = #"{"base":[\#(base)],"head":[\#(head)]}"#
      let blocks = Array(repeating: block, count: blocks).joined(separator: ",")
      let change = median.map { #","change":{"median":\#($0),"hodges_lehmann":0}"# } ?? ""
      let grown =
        allocations == 100
        ? "" : #"{"metric":"allocations","base":100,"head":\#(allocations)}"#
      return #"""
        {"name":"\#(name)","tolerance":{"tolerated":0.02,"detected":0.05},"blocks":[\#(blocks)],
         "judged":{"name":"\#(name)","verdict":"pass","stage":"screen","blocks":\#(self.blocks),
          "regressed":[]\#(change)},
         "findings":{"budget":{},"are_outputs_exact":false,
          "exact":{"changes":[\#(grown)],"unstable":[]}}}
        """#
    }
  }

  var commit: String
  var seed: Int
  var cells: [Cell]

  var data: Data {
    let reading = #"{"unavailable":"x"}"#
    let build =
      #"{"version":"1","commit":{"value":"\#(commit)"},"toolchain":"t","flags":"f","#
      + #""allocator":"a"}"#
    let text = #"""
      {"schema":"headroom.gate/1","suite":{"name":"s","text":"","overrides":[]},
       "machine":{"cpu_model":"A","cpu_stepping":"1","visible_cores":2,"threads_per_core":1,
        "caches":[],"memory_class":1,"operating_system":"x","kernel_minor":"6",
        "instruction_sets":[]},
       "conditions":{"load":\#(reading),"governor":\#(reading),"clock_megahertz":\#(reading),
        "throttles":\#(reading),"steal":\#(reading),"huge_pages":\#(reading),
        "available_memory":\#(reading),"warnings":[]},
       "base":\#(build),"head":\#(build),"relink_floor":\#(reading),
       "rule":{"false_alarm":0.01,"missed":0.01,"false_improvement":0.05,"screen_least":8,
        "screen_most":16,"confirm_usual":48,"confirm_most":96,"suspicion":4},
       "seed":\#(seed),"verdict":"pass","null":[],"stale_acceptances":[],
       "cells":[\#(cells.map(\.text).joined(separator: ","))]}
      """#
    return Data(text.utf8)
  }
}
