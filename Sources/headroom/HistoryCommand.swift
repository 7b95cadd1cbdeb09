import Quantities
import ArgumentParser
import Comparing
import Foundation
import Records
import Reporting

struct HistoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history", abstract: "Keeps results over time, and tells where they changed.",
    subcommands: [Add.self, Show.self, Changes.self])

  struct FileOption: ParsableArguments {
    @Option(name: .customLong("file"), help: "The history, an SQLite file.")
    var path = "reports/history.sqlite"
  }

  struct OutputOption: ParsableArguments {
    @Option(help: "Write JSON to this file; - is standard output.")
    var json: String?

    @OptionGroup var replace: ReplaceOption

    func outputs(from path: String) throws -> Outputs {
      try Outputs(["json": json], inputs: [path], replace: replace.isGiven)
    }
  }

  struct Add: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Adds runs and gates' results; a file that is there already is left out.")

    @Argument(help: "Files of headroom sweep or gate.")
    var results: [String] = []

    @Option(help: "What the base of these gates is called: a pinned build, as a release.")
    var anchor: String?

    @OptionGroup var file: FileOption

    func run() throws {
      guard !results.isEmpty else { throw ConsoleFault.noFiles }
      // All are read before any is added.
      let entries = try results.map { try HistoryEntry.read($0, anchor: anchor) }
      let history = try History(file.path, mayMake: true)
      for (path, entry) in zip(results, entries) {
        switch try history.add(entry, at: Date.now.formatted(.iso8601)) {
        case .added(let cases): Console.print("added \(path): \(counted(cases, "case"))")
        case .anchored: Console.print("\(path) was added before: its base is \(anchor ?? "") now")
        case .known: Console.print("left out \(path): it was added before")
        }
      }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Shows cases over time.")

    @Option(name: .customLong("case"), help: "Which cases: a name, or a pattern as 'matmul/*'.")
    var pattern = "*"

    @OptionGroup var file: FileOption
    @OptionGroup var output: OutputOption

    func run() throws {
      let outputs = try output.outputs(from: file.path)
      let series = try History(file.path, mayMake: false).series(matching: pattern)
      try outputs.deliver(HistoryDocument.make(series))
      if series.isEmpty {
        Console.diagnose("no case of \(file.path) matches '\(pattern)'")
        throw ExitStatus.nothingMeasured
      }
    }
  }

  struct Changes: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Finds where cases changed their level, and what crept since a pinned build.")

    @Option(name: .customLong("case"), help: "Which cases: a name, or a pattern as 'matmul/*'.")
    var pattern = "*"

    @Flag(help: "Look for levels that became faster, rather than slower.")
    var faster = false

    @OptionGroup var file: FileOption
    @OptionGroup var output: OutputOption

    func run() throws {
      let outputs = try output.outputs(from: file.path)
      let series = try History(file.path, mayMake: false).series(matching: pattern)
      let changes = HistoryChanges(in: series, direction: faster ? .faster : .slower)
      try outputs.deliver(HistoryChangesDocument.make(changes))
    }
  }
}
