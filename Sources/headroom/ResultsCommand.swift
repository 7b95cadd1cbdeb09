import ArgumentParser
import Records
import Reporting

struct ResultsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "results",
    abstract: "Sets stored runs of one or several machines on a page, beside other libraries.")

  @Argument(help: "One or several run files.")
  var runs: [String]

  @Option(help: "Write Markdown to this file; - is standard output.")
  var markdown: String?

  @Option(help: "Write JSON to this file; - is standard output.")
  var json: String?

  @OptionGroup var replace: ReplaceOption

  func run() throws {
    let outputs = try Outputs(
      ["markdown": markdown, "json": json], inputs: runs, replace: replace.isGiven)
    let stored = try RunFile.read(all: runs)
    for note in stored.notes { Console.diagnose("note: \(note)") }
    try outputs.deliver(ResultsDocument.make(stored.runs))
  }
}
