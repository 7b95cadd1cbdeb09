import ArgumentParser
import Foundation
import OrderedCollections
import Planning
import Quantities
import Records
import Reporting
import Running

struct SweepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep", abstract: "Runs a suite's cases, each checked, timed and accounted for.")

  @OptionGroup var suite: SuiteOptions

  @Option(name: .shortAndLong, help: "The run file (default: reports/<suite>.jsonl).")
  var output: String?

  @Flag(help: "Go on with a run that was cut off.")
  var resume = false

  @Flag(help: "Skip the cases that are predicted not to fit, instead of trying them.")
  var skipPredicted = false

  @Flag(help: "Try the cheapest changes of each case that runs out of memory, until one fits.")
  var autoMend = false

  @Flag(help: "Overwrite the run file.")
  var replace = false

  @Option(help: "A key=value to keep with the run.")
  var note: [String] = []

  @Option(help: "Write the report as JSON to this file; - is standard output.")
  var json: String?

  @Option(
    help: "Write what each case computes on, and what comes out, as safetensors to this folder.")
  var dump: String?

  @Option(help: "Further steps of training whose losses --dump holds (default: 0).")
  var dumpSteps: Int?

  func run() throws {
    let command = self
    try Interruption.cancels(
      advice: "finished cases, if there were any, are in the run file: go on with --resume"
    ) { try await command.sweep() }
  }

  private func sweep() async throws {
    if resume && replace { throw ConsoleFault.resumeAndReplace }
    let whole = try suite.plan()
    let skips = try Environment.flag(skipPredicted, for: "skip-predicted")
    let plan = skips ? whole.skippingMisfits : whole
    for planNote in plan.notes { Console.diagnose("note: \("\(planNote)".printable())") }
    for sentence in Misfits.sentences(of: plan) {
      Console.diagnose("warning: \(sentence.printable()); --skip-predicted leaves such cases out")
    }
    var options = SweepSession.Options(
      output: Environment.value(output, for: "output") ?? "reports/\(plan.suite.name).jsonl",
      cpus: try suite.processors())
    options.opening = resume ? .resume : replace ? .replace : .new
    options.shard = Environment.value(suite.shard, for: "shard")
    options.environment = Environment.recorded
    options.notes = try notes()
    options.mends = try Environment.flag(autoMend, for: "auto-mend")
    options.dump = Environment.value(dump, for: "dump").map {
      SweepSetting.Dump(folder: $0, steps: dumpSteps ?? 0)
    }
    // The report of a run that is gone on with takes the place of the one before.
    let inputs = [suite.suite].compactMap(\.self)
    try OutputFile(options.output, mayReplace: true).checkIsNone(of: inputs)
    let outputs = try Outputs(
      ["json": json], inputs: inputs, others: [options.output], replace: replace || resume)
    let isQuiet = outputs.takeStandardOutput

    var progress = ProgressLine()
    progress.say("looking at the machine")
    let session = try await SweepSession.open(plan, options)
    progress.clear()
    let table = SweepDocument.terminalTable(
      of: plan.cases.map(\.case) + plan.skips.map(\.case), isTerminal: Console.isTerminal)
    if !isQuiet { table.head.forEach(Console.print) }
    var printer = RowPrinter(
      table: table, runs: plan.measure.runs, isQuiet: isQuiet, records: session.earlier)
    printer.printEarlier()
    try await session.run { event in
      progress.clear()
      switch event {
      case .started(let cases, let done, let total, let left):
        progress.show(cases: cases, done: done, total: total, left: left)
      case .finished(let record): printer.take(record)
      }
    }
    progress.clear()
    let report = Report(run: Run(header: session.header, records: printer.records))
    if !isQuiet {
      Console.print("")
      Outputs.show(SweepDocument.foot(of: report))
      Console.diagnose("wrote \(options.output)")
    }
    try outputs.write("json") { try JSONReport.data(report) }
    try leave(after: printer.records)
  }

  private func notes() throws -> [String: String] {
    var notes: [String: String] = [:]
    for text in note {
      guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
        throw ConsoleFault.badNote(text)
      }
      notes[String(text[..<equals])] = String(text[text.index(after: equals)...])
    }
    return notes
  }

  private func leave(after records: [Record]) throws {
    if records.contains(where: \.outcome.isFailure) { throw ExitStatus.caseFailed }
    if !records.contains(where: { $0.outcome == .ok }) { throw ExitStatus.nothingMeasured }
  }
}

/// Prints a case's row as soon as all its processes are done.
private struct RowPrinter {
  let table: TerminalTable
  let runs: Int
  let isQuiet: Bool
  private(set) var records: [Record]
  private var byCase: OrderedDictionary<String, [Record]> = [:]

  init(table: TerminalTable, runs: Int, isQuiet: Bool, records: [Record]) {
    self.table = table
    self.runs = runs
    self.isQuiet = isQuiet
    self.records = records
    for record in records { byCase[record.case.id, default: []].append(record) }
  }

  func printEarlier() {
    for own in byCase.values where own.count >= runs { printRow(own) }
  }

  mutating func take(_ record: Record) {
    records.append(record)
    byCase[record.case.id, default: []].append(record)
    if let own = byCase[record.case.id], own.count == runs { printRow(own) }
  }

  /// Those that were skipped have none.
  private func printRow(_ own: [Record]) {
    guard !isQuiet, let row = CaseReport(records: own).flatMap(SweepDocument.row) else { return }
    Console.print(table.row(row))
  }
}
