import OrderedCollections
import Quantities
package import Records

/// Several stored runs as one page of results: each run's own cases, how near they come to what the machine
/// allows, and how they stand beside the fastest library of others that took turns with them.
///
/// Unlike a report it may hold runs of several machines: no figure of one run is set beside another's.
package enum ResultsDocument {
  package static func make(_ runs: [Run]) -> Document {
    let results = runs.map(Result.init)
    var document = Document("Results") {
      try JSONText.encode(results.map(Listing.init), pretty: true)
    }
    document.add(.heading("Results", level: 1))
    document.say(
      "Each table is one stored run on the machine that stands above it. Where other libraries took part, "
        + "all variants of a case took turns on the same operands in one run, and the last column says how "
        + "many times as fast as the fastest of them our kernel is, with its 95 % interval.")
    for (_, own) in OrderedDictionary(grouping: results, by: \.report.header.suite.name) {
      add(own, to: &document)
    }
    return document
  }

  /// The runs of one suite.
  private static func add(_ results: [Result], to document: inout Document) {
    guard let suite = results.first?.report.header.suite else { return }
    document.add(.heading(suite.name, level: 2))
    document.say(suite.about ?? "")
    for result in results {
      let header = result.report.header
      document.add(
        .fields([
          .init("machine", header.machine.line), .init("build", header.build.line),
          .init("result", Notes.summary(of: result.report.cases)),
        ]))
      for (_, cases) in OrderedDictionary(grouping: result.own, by: \.case.workload) {
        let figures = CaseFigure.ofResults(cases)
        document.add(.table(table(cases, figures)), for: .page)
        // A library's name is long: at a terminal it stands beside the case alone.
        document.add(.table(table(cases, figures.filter { $0 != .versus })), for: .terminal)
        document.add(.table(SweepDocument.competition(cases)), for: .terminal)
      }
      SweepDocument.addSavers(of: result.report, level: 3, to: &document)
      let cases = result.report.cases
      document.add(.notes(Notes.of(cases, shown: CaseFigure.ofResults(cases))))
    }
  }

  private static func table(_ cases: [CaseReport], _ figures: [CaseFigure]) -> Table {
    Table(
      figures.map(\.column),
      rows: cases.map { report in
        Table.Row(.asked(report.case), marked: figures.map { $0.marked(report) })
      })
  }

  /// A run, and those of its cases that were measured and are no other library's.
  private struct Result: Sendable {
    let report: Report
    var own: [CaseReport] { report.cases.filter { $0.outcome == .ok && $0.library == nil } }

    init(_ run: Run) { report = Report(run: run) }
  }

  /// A run as scripts read it.
  private struct Listing: Encodable {
    let suite: String
    let machine: String
    let build: String
    let cases: [Entry]

    struct Entry: Encodable {
      let id: String
      let variant: String?
      let median: Seconds?
      let ofCeiling: Double?
      let bound: String?
      let versus: Versus?
    }

    init(_ result: Result) {
      let header = result.report.header
      suite = header.suite.name
      machine = header.machine.line
      build = header.build.line
      cases = result.own.map {
        Entry(
          id: $0.case.id, variant: $0.variant.value, median: $0.latency.value?.median,
          ofCeiling: $0.ceiling.value?.share, bound: $0.ceiling.value?.binding,
          versus: $0.competition)
      }
    }
  }
}
