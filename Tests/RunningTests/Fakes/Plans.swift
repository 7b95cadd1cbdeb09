import Foundation
import Measuring
import OrderedCollections
import Planning
import Quantities
import Records
import Running
import SystemPackage

/// Plans whose cases are told apart by a number.
enum Plans {
  /// - Parameters:
  ///   - axes: of the self-test, as `nanoseconds: [1, 2]`.
  ///   - entry: what else stands in the entry, as `interleave: nanoseconds`.
  ///   - options: of the suite, as `measure: { budget: 1 s }`.
  static func plan(_ axes: String, entry: String = "", _ options: String = "") throws -> Plan {
    let text = """
      suite: t
      \(options)
      sweep:
        - workload: self-test
          axes: { \(axes) }
          \(entry)
      """
    return try Planner(cores: 2).plan(SuiteReader.parse(text, path: "t.yaml"))
  }

  static let machine = Machine(
    cpuModel: "", cpuStepping: "", visibleCores: 2, threadsPerCore: 1, caches: [],
    memoryClass: .gibibytes(1), operatingSystem: "", kernelMinor: "", instructionSets: [])

  static let room = ProbeRoom(room: nil, available: nil, needed: .zero)

  static let build = Build(
    version: "0", commit: .unavailable("no checkout"), dirty: nil, toolchain: "", flags: "",
    allocator: "")

  static let conditions = Conditions(
    load: .measured(0), governor: .unavailable("none"), clockMegahertz: .measured(1),
    throttles: .measured(0), steal: .measured(0), hugePages: .measured("always"),
    availableMemory: .measured(.gibibytes(1)), warnings: [])

  static func header(of plan: Plan) -> RunHeader {
    RunHeader(
      suite: .init(name: "t", about: nil, text: "", overrides: []), machine: machine,
      build: build, conditions: conditions, ceilings: Lines.ceilings, seed: plan.measure.seed,
      planned: plan.ids, processesPerCase: plan.measure.runs, shard: nil, notes: [:],
      environment: [:])
  }
}

extension Case {
  /// What tells a test's cases apart.
  var key: Int? { axes["nanoseconds"]?.number }
}

/// A sweep on a fake host, which leaves a run file.
struct FakeSweep {
  let plan: Plan
  let host: FakeHost
  let path = FileManager.default.temporaryDirectory
    .appendingPathComponent("sweep-\(UUID().uuidString).jsonl").path

  init(_ plan: Plan, on host: FakeHost) {
    self.plan = plan
    self.host = host
  }

  /// - Parameter earlier: what the run file holds already.
  @discardableResult
  func run(
    after earlier: [Record] = [], on event: (SweepRunner.Event) throws -> Void = { _ in }
  ) async throws -> [Record] {
    let writer = try RunWriter(path, .new)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let header = Plans.header(of: plan)
    try writer.begin(header)
    for record in earlier { try writer.append(record) }
    let program = FilePath("/own/headroom")
    let prober = try await ProberProcess.start(
      program: program, on: host, machine: Plans.machine, threads: [1, 2], cpus: [0, 1],
      room: Plans.room)
    let setting = SweepSetting(
      program: program, host: host, machine: Plans.machine, ceilings: prober.ceilings,
      cpus: [0, 1], seed: plan.measure.seed, within: plan.measure.within,
      budget: plan.measure.budget, timeout: plan.measure.timeout, runs: plan.measure.runs)
    let session = SweepSession(
      plan: plan, header: header, earlier: earlier, writer: writer,
      runner: SweepRunner(setting: setting, prober: prober))
    try await session.run(on: event)
    return try RunFile.read(path).records
  }
}
