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

  @OptionGroup var replace: ReplaceOption

  func run() throws {
    let outputs = try Outputs(
      ["markdown": markdown, "json": json, "csv": csv], inputs: runs, replace: replace.isGiven)
    let stored = try RunFile.read(all: runs)
    for note in stored.notes { Console.diagnose("note: \(note)") }
    let report = Report(runs: stored.runs)
    try outputs.write("csv", text: { CSVReport.text(report) })
    try outputs.deliver(SweepDocument.make(report))
    if outputs.takeStandardOutput { return }
    for warning in report.warnings { Console.diagnose("warning: \(warning)") }
  }
}
