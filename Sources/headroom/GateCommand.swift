import ArgumentParser
import Comparing
import Foundation
import Planning
import Quantities
import Records
import Reporting
import Running

struct GateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gate",
    abstract: "Says whether a build is slower than another: with a known chance of a false alarm.")

  @OptionGroup var suite: SuiteOptions

  @Option(help: "The build to compare with: a path to its program.")
  var base: String?

  @Option(help: "The commit to compare with: it is built in a git worktree under .build.")
  var baseCommit: String?

  @Option(help: "The build to judge: a path to its program (default: this one).")
  var head: String?

  @Option(name: .shortAndLong, help: "The result (default: reports/gate-<suite>.json).")
  var output: String?

  @Option(help: "What was accepted beforehand (default: headroom-accept.json).")
  var accept: String?

  @Flag(help: "Overwrite files that exist.")
  var replace = false

  @Option(help: "Time after which what is undecided is inconclusive, as 5min.")
  var time: String?

  @Option(help: ArgumentHelp("Extra work of head's, as 5%.", visibility: .hidden))
  var slowDown: String?

  @Option(help: ArgumentHelp("One allocation more of head's, as 64B.", visibility: .hidden))
  var grow: String?

  @Option(help: ArgumentHelp("Which cases are so changed.", visibility: .hidden))
  var onlyCase: String?

  @Option(help: ArgumentHelp("Take for head this program, linked anew.", visibility: .hidden))
  var relink: UInt64?

  @Option(help: "Judge the paired timings in this file again, and run nothing.")
  var replay: String?

  @Flag(help: "Try the method on simulated machines, and print how often it is wrong.")
  var simulate = false

  @Option(help: "Simulated suites for each kind of noise.")
  var suites = 1000

  @Option(help: "Cases in a simulated suite.")
  var cases = 40

  @Option(help: "The slow-down that is no regression, as 2%.")
  var tolerate: String?

  @Option(help: "The slow-down that must not pass, as 5%.")
  var detect: String?

  @Option(help: "Write the answer as JSON to this file; - is standard output.")
  var json: String?

  @Option(help: "Write it as Markdown, for a pull request, to this file; - is standard output.")
  var markdown: String?

  @Option(help: "Write it as JUnit XML to this file; - is standard output.")
  var junit: String?

  @Flag(help: "Leave with 0 where nothing regressed and something could not be told.")
  var allowInconclusive = false

  @Flag(help: "Print annotations for GitHub, and add to its step summary.")
  var github = false

  func run() throws {
    let tolerance = try tolerance()
    if simulate { return try runTrials(tolerance) }
    if let replay { return try judgeAgain(replay, tolerance) }
    let command = self
    try Interruption.cancels(
      advice: "once a round is finished, its blocks are in the result: judge them with --replay"
    ) { try await command.judge() }
  }

  private func judgeAgain(_ path: String, _ tolerance: GateTolerance) throws {
    if suite.isGiven { throw ConsoleFault.replayAndSuite }
    let outputs = try outputs(inputs: [path] + read)
    _ = try acceptances()
    let answer: GateAnswer
    var rule = GateRule.standard
    switch try GateReplay.read(path) {
    case .result(let stored):
      rule = stored.rule
      if stored.isUnfinished {
        Console.diagnose("note: the gate that wrote this did not end: its blocks so far are judged")
      }
      var result = stored.replayed()
      try settle(&result)
      answer = result.answer
    case .timings(let timings): answer = timings.answer(tolerance: tolerance)
    }
    try write(answer, rule: rule, outputs)
    try ExitStatus.leave(with: answer.verdict, allowInconclusive: allowInconclusive)
  }

  private func judge() async throws {
    let given = Environment.value(base, for: "base")
    let commit = Environment.value(baseCommit, for: "base-commit")
    if given != nil, commit != nil { throw ConsoleFault.twoBases }
    guard given != nil || commit != nil else { throw ConsoleFault.noGate }
    let plan = try suite.plan()
    for note in plan.notes { Console.diagnose("note: \("\(note)".printable())") }
    let path = Environment.value(output, for: "output") ?? "reports/gate-\(plan.suite.name).json"
    guard path != "-" else { throw ConsoleFault.resultOnStandardOutput }
    let inputs =
      [suite.suite, given, Environment.value(head, for: "head")].compactMap(\.self) + read
    let stored = OutputFile(path, mayReplace: replace, fix: "name another with -o")
    try stored.check(inputs: inputs)
    let lock = try NameLock(stored.canonical)
    defer { withExtendedLifetime(lock) {} }
    let outputs = try outputs(inputs: inputs, others: [path])
    // Read before minutes are spent, so that what is wrong with it is known.
    _ = try acceptances()
    var options = GateSession.Options(
      cpus: try suite.processors(), relinkFloor: try Self.relinkFloor(of: plan.suite.name))
    options.tolerated = try share(tolerate, "tolerate")
    options.detected = try share(detect, "detect")
    options.trial.extraWork = try share(slowDown, "slow-down") ?? 0
    options.trial.extraBytes = grow.flatMap { Bytes($0) }
    options.trial.pattern = onlyCase ?? "*"
    if let text = Environment.value(time, for: "time") {
      guard let seconds = Seconds(text), seconds > Seconds(0) else {
        throw ConsoleFault.badTime(text)
      }
      options.time = seconds
    }
    var base = given ?? ""
    if let commit { base = try await BaseCommit.build(commit, tell: Console.diagnose) }
    var relinked: RelinkedProgram?
    if let relink { relinked = try await RelinkedProgram(seed: relink) }
    defer { withExtendedLifetime(relinked) {} }
    let head = Environment.value(head, for: "head") ?? relinked?.path ?? "/proc/self/exe"
    let session = try await GateSession.open(plan, base: base, head: head, options)
    // From here on the file is ours.
    let writer = GateResultWriter(path, opening: session.result)
    var progress = ProgressLine()
    do {
      try await session.run { event in
        switch event {
        case .round(let stage, let open, let count, let blocks):
          progress.say("\(stage.rawValue): \(open) of \(count) cases open, \(blocks) rounds done")
        case .added(let entry): try writer.append(entry)
        }
      }
    } catch {
      writer.interrupt(session.result)
      throw error
    }
    progress.clear()
    var result = session.result
    try settle(&result)
    try writer.finish(result)
    let answer = result.answer
    try write(answer, rule: options.rule, outputs)
    Console.diagnose("wrote \(path)")
    try ExitStatus.leave(with: answer.verdict, allowInconclusive: allowInconclusive)
  }

  /// What a gate reads in any case.
  private var read: [String] {
    [Environment.value(accept, for: "accept") ?? AcceptanceFile.usualPath]
  }

  private func outputs(inputs: [String], others: [String] = []) throws -> Outputs {
    let summary = github ? Environment.variable("GITHUB_STEP_SUMMARY") : nil
    if let summary {
      try OutputFile(summary, mayReplace: true, fix: "see GITHUB_STEP_SUMMARY").check(
        inputs: inputs)
    }
    return try Outputs(
      ["json": json, "markdown": markdown, "junit": junit], inputs: inputs,
      others: others + [summary].compactMap(\.self), replace: replace)
  }

  /// Lets pass what was accepted beforehand.
  private func settle(_ result: inout GateResult) throws {
    result.accept(try acceptances(), today: AcceptCommand.today)
  }

  /// A file that was named must be there.
  private func acceptances() throws -> Acceptances {
    let asked = Environment.value(accept, for: "accept")
    return try AcceptanceFile.read(asked ?? AcceptanceFile.usualPath, mayBeMissing: asked == nil)
  }

  private static func relinkFloor(of suite: String) throws -> Reading<Double> {
    let file = try CalibrationFile(
      of: CalibrationSession.thisMachine, environment: ProcessInfo.processInfo.environment)
    guard let relinks = try file.read().relinks(of: suite) else {
      return .unavailable(
        "by how much relinking alone moves times here is not known: headroom calibrate "
          + "--builds 20")
    }
    return .measured(relinks.floor)
  }

  /// In every form that was asked for; as a table unless one of them took standard output.
  private func write(_ answer: GateAnswer, rule: GateRule, _ outputs: Outputs) throws {
    if github {
      GateAnnotations.lines(answer, allowsInconclusive: allowInconclusive).forEach(Console.command)
    }
    let document = GateDocument.make(answer, rule: rule)
    try outputs.deliver(document)
    try outputs.write("junit") {
      GateJUnit.data(answer, allowsInconclusive: allowInconclusive)
    }
    guard github else { return }
    guard let summary = Environment.variable("GITHUB_STEP_SUMMARY") else {
      return Console.diagnose("note: GITHUB_STEP_SUMMARY is not set: no summary is added")
    }
    try OutputFile(summary, mayReplace: true, fix: "see GITHUB_STEP_SUMMARY")
      .append(Data(MarkdownFormat.text(document).utf8))
  }

  private func tolerance() throws -> GateTolerance {
    let (low, high) = (try share(tolerate, "tolerate"), try share(detect, "detect"))
    guard let tolerance = GateTolerance(tolerated: low, detected: high) else {
      throw ConsoleFault.noRoom(
        tolerate: low ?? GateTolerance.standard.tolerated, detect: high ?? 0)
    }
    return tolerance
  }

  private func share(_ given: String?, _ option: String) throws -> Double? {
    guard let text = Environment.value(given, for: option) else { return nil }
    guard let share = Share(text) else { throw ConsoleFault.badShare(text, option: option) }
    return share.value
  }

  /// Beyond it, a simulation does not end.
  private static let maxTrials = 1_000_000

  private func runTrials(_ tolerance: GateTolerance) throws {
    guard (1...Self.maxTrials).contains(suites), (1...Self.maxTrials).contains(cases) else {
      throw ConsoleFault.noTrials
    }
    let outputs = try Outputs(["json": json], replace: replace)
    let seed = Environment.value(suite.seed, for: "seed").flatMap { UInt64($0) } ?? 1
    let tallies = GateTrial.all(
      suites: suites, cases: cases, seed: seed, tolerance: tolerance
    ).map { $0.run() }
    try outputs.deliver(TrialDocument.make(tallies))
  }
}
