import Foundation
import Glibc
import Kernels
import Measuring
package import Planning
package import Quantities
package import Records
import SystemPackage

/// A sweep from plan to run file: looks at the machine, opens the file, runs, closes.
package struct SweepSession {
  package let plan: Plan
  package let header: RunHeader
  /// Records of an earlier part of the run, where this one goes on with it.
  package let earlier: [Record]
  private let writer: RunWriter
  private let runner: SweepRunner

  /// How the output file is met.
  package enum Opening: Sendable {
    case new, replace, resume
  }

  /// What a sweep is started with, beside its plan.
  package struct Options: Sendable {
    package var output: String
    package var opening = Opening.new
    package var cpus: [Int]
    package var shard: String?
    package var notes: [String: String] = [:]
    package var environment: [String: String] = [:]

    package init(output: String, cpus: [Int]) {
      self.output = output
      self.cpus = cpus
    }
  }

  /// Measures the machine and opens the file; nothing is written when either is refused.
  package static func open(_ plan: Plan, _ options: Options) async throws -> SweepSession {
    // A child that died while it was written to is a case's end, not ours.
    signal(SIGPIPE, SIG_IGN)
    let machine = MachineReader().read(visibleCores: ThreadPool.allowedCPUs.count)
    let earlier = try options.opening == .resume ? resumable(plan, machine, options) : nil
    if options.opening == .new, FileManager.default.fileExists(atPath: options.output) {
      throw RunWriterFault.exists(options.output)
    }
    // Before seconds are spent on looking at the machine.
    if earlier == nil { try RunWriter.tryOut(options.output) }
    let folder = try ScratchFolder()
    let program = try OwnProgram.path()
    let conditions = ConditionsReader().read(visibleCores: machine.visibleCores)
    let threads = Set(plan.cases.map(\.threads)).union([1, options.cpus.count]).sorted()
    let prober = try await ProberProcess.start(
      program: program.string, folder: folder.path.string, machine: machine, threads: threads,
      cpus: options.cpus)
    let header = RunHeader(
      suite: .init(
        name: plan.suite.name, about: plan.suite.about, text: plan.suite.text,
        overrides: plan.suite.overrides),
      machine: machine, build: await BuildReader.read(program: program),
      conditions: conditions, ceilings: prober.ceilings, seed: plan.measure.seed,
      planned: plan.ids, processesPerCase: plan.measure.runs, shard: options.shard,
      notes: options.notes, environment: options.environment)
    let writer =
      earlier == nil
      ? try RunWriter.create(
        options.output, header: header, replace: options.opening == .replace)
      : try RunWriter.resume(options.output)
    let setting = SweepSetting(
      program: program, folder: folder, machine: machine, ceilings: prober.ceilings,
      cpus: options.cpus, seed: plan.measure.seed, within: plan.measure.within,
      budget: plan.measure.budget, timeout: plan.measure.timeout, runs: plan.measure.runs)
    return SweepSession(
      plan: plan, header: earlier?.header ?? header, earlier: earlier?.records ?? [],
      writer: writer, runner: SweepRunner(setting: setting, prober: prober))
  }

  /// Runs what is left; every record is on the disk before the next case starts.
  package func run(on event: (SweepRunner.Event) throws -> Void) async throws {
    let done = Set(earlier.map { DoneKey(id: $0.case.id, run: $0.run) })
    for skip in plan.skips where !done.contains(DoneKey(id: skip.case.id, run: 0)) {
      let record = Record(case: skip.case, run: 0, outcome: .skipped(reason: skip.reason))
      try writer.append(record)
      try event(.finished(record))
    }
    try await runner.run(plan, isDone: { done.contains(DoneKey(id: $0, run: $1)) }) { happened in
      if case .finished(let record) = happened { try writer.append(record) }
      try event(happened)
    }
    await runner.prober.end()
  }

  private struct DoneKey: Hashable {
    let id: String
    let run: Int
  }

  /// The run in the file, if it is this suite's and this machine's.
  private static func resumable(_ plan: Plan, _ machine: Machine, _ options: Options) throws -> Run?
  {
    guard FileManager.default.fileExists(atPath: options.output) else { return nil }
    let run = try RunFile.read(options.output)
    let suite = run.header.suite
    guard suite.text == plan.suite.text, suite.overrides == plan.suite.overrides,
      run.header.planned == plan.ids, run.header.seed == plan.measure.seed,
      run.header.processesPerCase == plan.measure.runs
    else { throw SweepFault.otherSuite(options.output) }
    let differences = machine.differences(from: run.header.machine)
    guard differences.isEmpty else {
      throw SweepFault.otherMachine(options.output, differences)
    }
    return run
  }
}

/// Why a run cannot be gone on with.
package enum SweepFault: FaultConvertible, Hashable {
  case otherSuite(String)
  case otherMachine(String, [String])

  package var fault: Fault {
    switch self {
    case .otherSuite(let path):
      Fault(
        "the run was made of another suite, or with other options", at: path,
        fix: "give the same suite and options, or start over with --replace")
    case .otherMachine(let path, let differences):
      Fault(
        "the run was made on another machine: \(differences.joined(separator: "; "))", at: path,
        fix: "go on where it began, or start over with --replace")
    }
  }
}
