import ArgumentParser
import Foundation
import Records
import Reporting

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Makes reports again from run files alone.")

  @Argument(help: "One or several run files.")
  var runs: [String]

  @Option(help: "Write Markdown to this file; - is standard output.")
  var markdown: String?

  @Option(help: "Write JSON to this file; - is standard output.")
  var json: String?

  @Option(help: "Write CSV to this file; - is standard output.")
  var csv: String?

  func run() throws {
    let runs = try self.runs.map(RunFile.read)
    for (path, run) in zip(self.runs, runs) where run.tornLine {
      Console.diagnose("note: \(path): the last line was cut short by a kill, and is left out")
    }
    let report = Report(runs: runs)
    let markdown = Environment.value(markdown, for: "markdown")
    let json = Environment.value(json, for: "json")
    let csv = Environment.value(csv, for: "csv")
    if let markdown {
      try Console.write(Data(try MarkdownReport.text(report).utf8), to: markdown)
    }
    if let json { try Console.write(try JSONReport.data(report), to: json) }
    if let csv { try Console.write(Data(CSVReport.text(report).utf8), to: csv) }
    guard ![markdown, json, csv].contains("-") else { return }
    let table = TerminalTable(cases: report.cases.map(\.case), isTerminal: Console.isTerminal)
    let rows = report.cases.filter(TerminalTable.hasRow).map(table.row)
    (table.head + rows + table.foot(report.cases)).forEach(Console.print)
    for warning in report.warnings { Console.diagnose("warning: \(warning)") }
  }
}
