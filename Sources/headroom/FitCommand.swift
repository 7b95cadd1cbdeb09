import ArgumentParser
import Foundation
import Kernels
import MemoryPlanning
import Planning
import Quantities
import Records
import Reporting
import Running
import Workloads

struct FitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fit",
    abstract: "Says what a setting takes, whether it fits, and what to change.",
    discussion: """
      The peak is the maximum over phases, and never a sum of what does not live together. Every \
      axis of training-step and decoder may be given with -a.
      """)

  @Option(help: "The model, by a name of `headroom list models`.")
  var model: String?

  @Option(help: "What runs it: headroom, pytorch or llama.cpp.")
  var runtime: String?

  @Option(help: "What is trained: full, lora, qlora, prefix, bottleneck or ia3.")
  var method: String?

  @Option(help: "The rank of LoRA, or how many numbers another adapter has.")
  var rank: String?

  @Option(help: "Sequences of a micro-batch.")
  var batch: String?

  @Option(help: "Tokens of a sequence.")
  var tokens: String?

  @Option(name: .customShort("a"), help: "Any other axis, as checkpointing=block.")
  var axes: [String] = []

  @Option(help: "The limit, as 24GiB.")
  var memory: String?

  @Option(help: "A device whose memory is the limit, as rtx-4090.")
  var device: String?

  @Flag(help: "Print each term with its numbers put in.")
  var explain = false

  @Option(help: "The changes that may be made, as checkpointing,loss (default: all).")
  var allow: String?

  @Option(help: "Say why a change is not proposed, as checkpointing.")
  var whyNot: String?

  @Option(name: .customLong("run"), help: "A run file whose times price the changes.")
  var runFile: String?

  @Flag(help: "Measure here what the changes cost in time, at a few layers.")
  var measure = false

  @Option(
    help: "Two axes, as batch,tokens: for each of the first the most of the second that fits.")
  var frontier: String?

  @Option(help: "Settings as JSON Lines, each answered on a line.")
  var from: String?

  @Option(help: "Published figures as CSV, each held against its prediction.")
  var score: String?

  @Option(help: "Write it as JSON to this file; - is standard output.")
  var json: String?

  @Option(help: "Write Markdown to this file; - is standard output.")
  var markdown: String?

  @OptionGroup var replace: ReplaceOption

  func run() throws {
    let outputs = try Outputs(
      ["json": json, "markdown": markdown], inputs: [from, score, runFile].compactMap { $0 },
      replace: replace.isGiven)
    if let from { return try answer(from, outputs) }
    if let score { return try self.score(score, outputs) }
    guard model != nil || axes.contains(where: { $0.hasPrefix("layers=") }) else {
      throw FitFault.noModel
    }
    let setting = try setting()
    let limit = try FitLimit.of(memory: memory, device: device)
    var solver = FitSolver()
    if let frontier { return try self.frontier(frontier, setting, limit, &solver, outputs) }
    var prices =
      try runFile.map { try MeasuredPrices(RunFile.read(all: [$0]).runs, setting).prices } ?? [:]
    let allowed = try allow.map(AllowedMends.read)
    var report = try solver.report(
      setting, limit: limit, isExplained: explain, allowed: allowed, prices: prices)
    if measure, let found = report.mends {
      // What is not proposed need not be measured.
      let mends = Array(Set(found.fitting.flatMap(\.mends)))
      prices.merge(try measured(setting, mends)) { $1 }
      report = try solver.report(
        setting, limit: limit, isExplained: explain, allowed: allowed, prices: prices)
    }
    if let agrees = report.dryRun?.plan.peak, agrees != report.answer.best {
      Console.diagnose(
        "note: a dry run of the program's own code takes \(agrees), and the closed form says "
          + "\(report.answer.best)")
    }
    try outputs.deliver(FitDocument.make(report, whyNot: try whyNot(setting, report, &solver)))
  }

  // MARK: The question

  private func setting() throws -> FitSetting {
    var values: [String: String] = [:]
    for (key, given) in [
      ("model", model), ("runtime", runtime), ("method", method), ("rank", rank), ("batch", batch),
      ("tokens", tokens),
    ] {
      values[key] = given
    }
    // Another program's memory depends on what it runs on.
    if let device, runtime == "pytorch" { values["device"] = device }
    for text in axes {
      guard let place = text.firstIndex(of: "=") else { throw SuiteFault.notAnAssignment(text) }
      values[String(text[..<place])] = String(text[text.index(after: place)...])
    }
    return try FitSetting(values)
  }

  private func whyNot(_ setting: FitSetting, _ report: FitReport, _ solver: inout FitSolver) throws
    -> WhyNot?
  {
    guard let name = whyNot else { return nil }
    let mends = try solver.mends(of: setting)
    guard let mend = mends.first(where: { $0.name == name || $0.words == name }) else {
      throw FitFault.noMend(
        name, known: Array(Set(mends.map(\.name))).sorted(), option: "--why-not")
    }
    return WhyNot(
      mend.words, base: report.answer, with: try solver.answer(setting.changing(mend.changes)))
  }

  private func measured(_ setting: FitSetting, _ mends: [Mend]) throws -> [String: MendPrice] {
    try Interruption.cancels(advice: "nothing is written") {
      var progress = ProgressLine()
      let found = try await PriceSession.run(
        setting, mends, cpus: ThreadPool.allowedCPUs, budget: Seconds(0.5)
      ) { done, total in
        progress.say("measuring what changes cost: \(done) of \(total)")
      }
      progress.clear()
      return found
    }
  }

  // MARK: Many at once

  private func answer(_ path: String, _ outputs: Outputs) throws {
    let answers = try FitLines.answers(
      try InputFile(path, as: "file of settings", fix: "write a JSON object a line").bytes)
    let text = answers.map(\.json).joined(separator: "\n") + (answers.isEmpty ? "" : "\n")
    if outputs["json"] != nil { return try outputs.write("json", text: { text }) }
    Console.put(Data(text.utf8))
  }

  private func score(_ path: String, _ outputs: Outputs) throws {
    let file = try InputFile(
      path, as: "file of known figures", fix: "write source,model,params,settings,quantity,…")
    try outputs.deliver(ScoreDocument.make(try KnownRow.read(file.text).map(KnownAnswer.init)))
  }

  private func frontier(
    _ text: String, _ setting: FitSetting, _ limit: FitLimit?, _ solver: inout FitSolver,
    _ outputs: Outputs
  ) throws {
    let names = text.split(separator: ",").map(String.init)
    guard names.count == 2 else { throw FitFault.badFrontier(text) }
    guard let limit else { throw FitFault.noLimit }
    let points = try solver.frontier(setting, names[0], names[1], limit)
    try outputs.deliver(FrontierDocument.make(points, names[0], names[1], limit))
  }
}
