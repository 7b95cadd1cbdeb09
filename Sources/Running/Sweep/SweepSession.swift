import Kernels
import Measuring
import MemoryPlanning
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
  private let mends: Bool

  package init(
    plan: Plan, header: RunHeader, earlier: [Record] = [], writer: RunWriter, runner: SweepRunner,
    mends: Bool = false
  ) {
    self.mends = mends
    self.plan = plan
    self.header = header
    self.earlier = earlier
    self.writer = writer
    self.runner = runner
  }

  /// What a sweep is started with, beside its plan.
  package struct Options: Sendable {
    package var output: String
    package var opening = RunWriter.Opening.new
    package var cpus: [Int]
    package var shard: String?
    package var notes: [String: String] = [:]
    package var environment: [String: String] = [:]
    package var dump: SweepSetting.Dump?
    /// Whether changes of cases that run out of memory are tried until one fits.
    package var mends = false

    package init(output: String, cpus: [Int]) {
      self.output = output
      self.cpus = cpus
    }
  }

  /// Measures the machine and opens the file; nothing is written when either is refused.
  package static func open(_ plan: Plan, _ options: Options) async throws -> SweepSession {
    let group = plan.shuffled(seed: plan.measure.seed).map(\.count).max() ?? 1
    try SystemLimits.checkFiles(children: group + 1)
    let machine = MachineReader().read(visibleCores: ThreadPool.allowedCPUs.count)
    // Before seconds are spent on looking at the machine.
    try options.dump?.makeFolder()
    let writer = try RunWriter(options.output, options.opening)
    let measure = RunHeader.Measure(
      within: plan.measure.within, budget: plan.measure.budget,
      memoryLimit: plan.measure.memoryLimit, cpus: options.cpus)
    let earlier =
      options.opening == .resume && !writer.isEmpty
      ? try resumable(plan, machine, measure, options) : nil
    let host = try SystemHost()
    let program = try OwnProgram.path()
    let conditions = ConditionsReader().read(visibleCores: machine.visibleCores)
    let threads = Set(plan.cases.map(\.threads)).union([1, options.cpus.count]).sorted()
    let prober = try await ProberProcess.start(
      program: program, on: host, machine: machine, threads: threads, cpus: options.cpus,
      room: ProbeRoom(
        room: conditions.memory, available: conditions.availableMemory.value,
        needed: plan.mostNeeded(cache: machine.lastLevelCache)))
    let header = RunHeader(
      suite: .init(
        name: plan.suite.name, about: plan.suite.about, text: plan.suite.text,
        overrides: plan.suite.overrides, claims: plan.suite.publishedClaims),
      machine: machine, build: await BuildReader.read(program: program),
      conditions: conditions, ceilings: prober.ceilings, seed: plan.measure.seed,
      planned: plan.ids, processesPerCase: plan.measure.runs, shard: options.shard,
      notes: options.notes, measure: measure, environment: options.environment)
    do {
      if let earlier { try writer.resume(earlier) } else { try writer.begin(header) }
    } catch {
      await prober.end()
      throw error
    }
    let setting = SweepSetting(
      program: program, host: host, machine: machine, ceilings: prober.ceilings,
      cpus: options.cpus, seed: plan.measure.seed, within: plan.measure.within,
      budget: plan.measure.budget, timeout: plan.measure.timeout, runs: plan.measure.runs,
      dump: options.dump)
    return SweepSession(
      plan: plan, header: earlier?.header ?? header, earlier: earlier?.records ?? [],
      writer: writer, runner: SweepRunner(setting: setting, prober: prober), mends: options.mends)
  }

  /// Runs what is left; every record is on the disk before the next case starts.
  package func run(on event: (SweepRunner.Event) throws -> Void) async throws {
    do {
      try await runCases(on: event)
    } catch {
      await runner.prober.end()
      throw error
    }
    await runner.prober.end()
  }

  private func runCases(on event: (SweepRunner.Event) throws -> Void) async throws {
    let done = Set(earlier.map { DoneKey(id: $0.case.id, run: $0.run) })
    for skip in plan.skips where !done.contains(DoneKey(id: skip.case.id, run: 0)) {
      let record = Record(case: skip.case, run: 0, outcome: .skipped(reason: skip.reason))
      try writer.append(record)
      try event(.finished(record))
    }
    var records = earlier
    try await runner.run(plan, isDone: { done.contains(DoneKey(id: $0, run: $1)) }) { happened in
      if case .finished(let record) = happened {
        try writer.append(record)
        records.append(record)
      }
      try event(happened)
    }
    if mends { try await tryMends(of: records, on: event) }
  }

  /// For each case that ran out of memory, the changes that are predicted to fit, until one does.
  private func tryMends(
    of records: [Record], on event: (SweepRunner.Event) throws -> Void
  ) async throws {
    let tried = Set(records.compactMap(\.mended?.from))
    let run = Run(header: header, records: records)
    for diagnosis in try CaseDiagnosis.all(of: [run]) {
      let failed = diagnosis.record
      guard failed.mended == nil, !tried.contains(failed.case.id) else { continue }
      for (index, proposal) in (diagnosis.report?.mends?.fitting ?? []).enumerated() {
        guard let plan = try diagnosis.plan(of: proposal, like: self.plan) else { continue }
        let mended = Record.Mended(
          from: failed.case.id, words: proposal.words, attempt: index + 1,
          predicted: proposal.answer.high)
        var fits = false
        try await runner.run(plan, isDone: { _, run in run > 0 }) { happened in
          guard case .finished(var record) = happened else { return try event(happened) }
          record.mended = mended
          fits = record.outcome == .ok
          try writer.append(record)
          try event(.finished(record))
        }
        if fits { break }
      }
    }
  }

  private struct DoneKey: Hashable {
    let id: String
    let run: Int
  }

  /// The run in the file, if it is this suite's and this machine's.
  private static func resumable(
    _ plan: Plan, _ machine: Machine, _ measure: RunHeader.Measure, _ options: Options
  ) throws -> Run {
    let run = try RunFile.read(options.output)
    let header = run.header
    guard header.suite.text == plan.suite.text, header.suite.overrides == plan.suite.overrides,
      header.planned == plan.ids
    else { throw SweepFault.otherSuite(options.output) }
    var others = header.measure.map { measure.differences(from: $0) } ?? []
    if header.seed != plan.measure.seed {
      others.append("seed \(plan.measure.seed), not \(header.seed)")
    }
    if header.processesPerCase != plan.measure.runs {
      others.append("runs \(plan.measure.runs), not \(header.processesPerCase)")
    }
    if header.shard != options.shard {
      others.append("shard \(options.shard ?? "none"), not \(header.shard ?? "none")")
    }
    // Notes that are left out stay as they were.
    for (key, value) in options.notes.sorted(by: { $0.key < $1.key })
    where header.notes[key] != value {
      others.append("note \(key)=\(value), not \(header.notes[key] ?? "none")")
    }
    guard others.isEmpty else { throw SweepFault.otherOptions(options.output, others) }
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
  case otherOptions(String, [String])
  case otherMachine(String, [String])

  package var fault: Fault {
    switch self {
    case .otherSuite(let path):
      Fault(
        "the run was made of another suite, or of other cases of it", at: path,
        fix: "give the same suite and axes, or start over with --replace")
    case .otherOptions(let path, let differences):
      Fault(
        "the run was made with other options: \(differences.joined(separator: "; "))", at: path,
        fix: "give the same options, or start over with --replace")
    case .otherMachine(let path, let differences):
      Fault(
        "the run was made on another machine: \(differences.joined(separator: "; "))", at: path,
        fix: "go on where it began, or start over with --replace")
    }
  }
}
