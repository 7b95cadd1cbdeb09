package import Comparing
import Quantities
import Records
import Statistics

/// What the gate's trials on simulated machines came to, for people.
package enum TrialDocument {
  package static func make(_ tallies: [GateTrial.Tally]) -> Document {
    var document = Document("trials") { try JSONText.encode(tallies, pretty: true) }
    document.add(.table(alarms(tallies.filter { $0.slowdown == 0 })))
    document.add(.table(detections(tallies.filter { $0.slowdown != 0 })))
    return document
  }

  private static func alarms(_ tallies: [GateTrial.Tally]) -> Table {
    Table(
      [
        .init("no slow-down", .left, gap: 0), .init("suites"), .init("false"), .init("95 % up to"),
        .init("cases undecided"), .init("blocks a case"),
      ],
      rows: tallies.map { tally in
        Table.Row(
          .none,
          [
            .words(tally.model.rawValue + (tally.isCoinFixed ? ", no coin" : "")),
            .count(tally.suites), .count(tally.suitesRegressed), share(tally.falseSuites.high),
            share(Double(tally.inconclusive) / Double(tally.cases)),
            .words(fixed(tally.blocksPerCase, 1)),
          ])
      })
  }

  private static func detections(_ tallies: [GateTrial.Tally]) -> Table {
    Table(
      [
        .init("slow-down", .left, gap: 0), .init("noise", .left), .init("cases"), .init("seen"),
        .init("95 % from"), .init("passed"), .init("undecided"),
      ],
      rows: tallies.map { tally in
        Table.Row(
          .none,
          [
            .change(tally.slowdown), .words(tally.model.rawValue), .count(tally.cases),
            share(tally.detected.rate), share(tally.detected.low),
            share(tally.wronglyPassed.rate),
            share(Double(tally.inconclusive) / Double(tally.cases)),
          ])
      })
  }

  private static func share(_ share: Double) -> Cell { .percent(share, digits: 2) }
}
