import OrderedCollections
import Quantities
import Records
import Reporting

/// Made-up runs with numbers that a reader can check by hand.
enum Fixture {
  static func matmul(_ axes: KeyValuePairs<String, String>) -> Case {
    Case(
      workload: "matmul",
      axes: OrderedDictionary(uniqueKeysWithValues: axes.map { ($0.key, AxisValue($0.value)) }))
  }

  static let plain = matmul(["n": "4096", "k": "64", "variant": "best", "threads": "all"])

  /// 1000 flops, 400 bytes read, 100 written.
  static let work = Work(
    flops: 1000, bytesRead: Bytes(400), bytesWritten: Bytes(100), tokens: nil, format: .fp32)

  /// 1e6 FLOP/s, 1e6 B/s read, 5e5 B/s filled: `work` takes 1 ms of compute, and 0.4 + 0.2 ms of
  /// memory.
  static let ceiling = Record.CeilingUse(
    unit: "fma-512", level: .dram, threads: 8, flopsPerSecond: 1e6, readPerSecond: 1e6,
    fillPerSecond: 5e5)

  /// Blocks of three samples that are all alike, each of ten calls.
  ///
  /// - Parameters:
  ///   - medians: seconds per call of each block.
  ///   - probes: FLOP/s, one more than there are blocks; without any, none could be measured.
  static func timing(
    _ medians: [Double], probes: [Double] = [], bandwidth: Double? = nil, steady: Bool = true,
    criterionMissed: String? = nil
  ) -> Record.Timing {
    Record.Timing(
      clockCost: Seconds(25e-9),
      warmUp: Record.WarmUp(windows: [0.02, 0.01, 0.01, 0.01, 0.01], cut: 4, steady: steady),
      blocks: medians.enumerated().map { index, median in
        let around = probes.isEmpty ? [0, 0] : [probes[index], probes[index + 1]]
        let beside = around.map { Record.Probe(flopsPerSecond: $0, bytesPerSecond: bandwidth) }
        return Record.Block(
          round: index, calls: 10, samples: [median, median, median].map { $0 * 10 },
          before: beside[0], after: beside[1])
      },
      ceiling: ceiling, cache: .warm, rotation: 1, criterionMissed: criterionMissed)
  }

  static let memory = Record.Memory(
    ledger: MemoryPlan([
      .operands: [.weights: .mebibytes(64), .activations: .mebibytes(1)],
      .run: [.weights: .mebibytes(64), .activations: .mebibytes(1), .workspace: .mebibytes(3)],
    ]),
    live: [.weights: .mebibytes(64)], phase: .run, rotation: .zero, limit: nil, refused: nil,
    allocations: 4, residentPeak: .measured([.operands: .mebibytes(70), .run: .mebibytes(90)]),
    anonymousPeak: .measured(.mebibytes(80)), file: .measured(.mebibytes(10)),
    harness: .unavailable("smaps is not readable"), allocator: [:])

  static func record(
    _ case: Case = plain, run: Int = 0, outcome: Outcome = .ok, timing: Record.Timing? = nil,
    predicted: Bytes = .mebibytes(68)
  ) -> Record {
    var record = Record(case: `case`, run: run, outcome: outcome)
    guard outcome == .ok else { return record }
    record.variant = "packed-512"
    record.threads = 8
    record.work = work
    record.predicted = MemoryPlan([.run: [.weights: predicted]])
    record.preparation = Record.Preparation(seconds: Seconds(0.5), bytes: .mebibytes(3))
    record.check = Record.Check(
      passed: true, relative: 2e-6, tolerance: 8e-6, basis: "128 roundings of 2⁻²⁴",
      sampling: "all 4096", worst: "row 0, column 7")
    record.timing = timing ?? Self.timing([Double](repeating: 2e-3, count: 8))
    record.memory = memory
    return record
  }

  static func run(
    _ records: [Record], planned: [String]? = nil, name: String = "decode",
    about: String? = "One decoded token.", warnings: [String] = [], tornLine: Bool = false,
    claims: [PublishedClaim]? = nil
  ) -> Run {
    Run(
      header: RunHeader(
        suite: .init(
          name: name, about: about, text: "", overrides: ["--budget 5s"], claims: claims),
        machine: machine, build: build, conditions: conditions(warnings: warnings),
        ceilings: ceilings, seed: 1, planned: planned ?? records.map(\.case.id),
        processesPerCase: 1, shard: nil, notes: [:], environment: [:]),
      records: records, tornLine: tornLine)
  }

  static func report(_ record: Record...) -> CaseReport? { CaseReport(records: record) }

  static func report(of cases: [CaseReport]) -> Report {
    Report(header: run([]).header, cases: cases)
  }

  static let machine = Machine(
    cpuModel: "Example CPU", cpuStepping: "6.1.2", visibleCores: 8, threadsPerCore: 2,
    caches: [
      .init(level: 1, kind: "data", size: .kibibytes(48), sharedBy: 1),
      .init(level: 3, kind: "unified", size: .mebibytes(32), sharedBy: 8),
    ],
    memoryClass: .gibibytes(64), operatingSystem: "Debian 12", kernelMinor: "6.1",
    instructionSets: ["avx2", "avx512f", "avx512bw", "avx512vl", "fma"])

  static let build = Build(
    version: "0.1.0", commit: .unavailable("not built inside a git checkout"), dirty: nil,
    toolchain: "Swift 6.3", flags: "-O", allocator: "tcmalloc")

  static func conditions(warnings: [String] = []) -> Conditions {
    Conditions(
      load: .measured(0.25), governor: .unavailable("no cpufreq here"),
      clockMegahertz: .measured(2400), throttles: .unavailable("no thermal counters here"),
      steal: .measured(0.012), hugePages: .measured("madvise"),
      availableMemory: .measured(.gibibytes(60)), warnings: warnings)
  }

  static let ceilings = Ceilings(
    compute: [
      .init(unit: "fma-512", format: .fp32, threads: 1, flopsPerSecond: 110e9),
      .init(unit: "fma-512", format: .fp32, threads: 8, flopsPerSecond: 800e9),
      .init(unit: "vnni-512", format: .int8, threads: 1, flopsPerSecond: 440e9),
    ],
    bandwidth: [
      .init(
        level: .dram, threads: 8, footprint: .mebibytes(256), read: 120e9, fill: 60e9,
        fillNonTemporal: 90e9, copy: 100e9)
    ],
    clockCost: Seconds(25e-9))
}

/// Whether two figures are the same but for rounding.
func near(_ left: Double?, _ right: Double) -> Bool {
  guard let left else { return false }
  return (left - right).magnitude <= 1e-9 * right.magnitude
}
