package import Comparing
import Quantities
import Statistics

/// What the gate's trials on simulated machines came to, in 80 columns.
package struct TrialTable {
  private let tallies: [GateTrial.Tally]

  package init(_ tallies: [GateTrial.Tally]) { self.tallies = tallies }

  package var lines: [String] {
    var alarms = TextGrid([
      ("no slow-down", .left), ("suites", .right), ("false", .right), ("95 % up to", .right),
      ("cases undecided", .right), ("blocks a case", .right),
    ])
    var detections = TextGrid([
      ("slow-down", .left), ("noise", .left), ("cases", .right), ("seen", .right),
      ("95 % from", .right), ("passed", .right), ("undecided", .right),
    ])
    for tally in tallies {
      if tally.slowdown == 0 {
        alarms.append([
          tally.model.rawValue + (tally.isCoinFixed ? ", no coin" : ""), "\(tally.suites)",
          "\(tally.suitesRegressed)", Self.percent(tally.falseSuites.high),
          Self.percent(Double(tally.inconclusive) / Double(tally.cases)),
          fixed(tally.blocksPerCase, 1),
        ])
      } else {
        detections.append([
          GateTable.signed(tally.slowdown), tally.model.rawValue, "\(tally.cases)",
          Self.percent(tally.detected.rate), Self.percent(tally.detected.low),
          Self.percent(tally.wronglyPassed.rate),
          Self.percent(Double(tally.inconclusive) / Double(tally.cases)),
        ])
      }
    }
    return alarms.lines + [""] + detections.lines
  }

  private static func percent(_ share: Double) -> String { "\(fixed(share * 100, 2)) %" }
}
