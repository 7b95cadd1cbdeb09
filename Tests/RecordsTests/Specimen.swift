import OrderedCollections
import Quantities
import Records

/// A record and a header in which every optional value is there, so that none can be lost unseen.
enum Specimen {
  static func record(run: Int) -> Record {
    var record = Record(
      case: Case(workload: "attention", axes: ["kv-heads": .number(8), "mask": .word("causal")]),
      run: run, outcome: .ok)
    record.variant = "avx512"
    record.threads = 2
    record.library = "a library, version 1"
    record.group = 1
    record.merged = ["attention/kv-heads=8,mask=off"]
    record.work = Work(
      flops: 120, bytesRead: Bytes(50), bytesWritten: Bytes(24), tokens: 1, format: .bf16)
    record.predicted = plan
    record.misfit = .init(needed: Bytes(7), limit: Bytes(6), owner: "memory-limit")
    record.preparation = .init(seconds: Seconds(0.25), bytes: Bytes(11))
    record.check = .init(
      passed: true, relative: 1e-7, tolerance: 2e-6, basis: "34 roundings", sampling: "all 6",
      worst: "row 0, column 1", ofFormat: 0.06)
    record.timing = timing
    record.memory = memory
    record.timeline = [
      .init(seconds: 0.5, phase: .forward, mark: "layer 3", live: [.kvCache: Bytes(3)])
    ]
    record.mended = .init(
      from: "attention/kv-heads=9", words: "a smaller batch", attempt: 2, predicted: Bytes(5))
    record.training = Record.Training(
      losses: [5.5, 5.25], gradientNorm: 3.5, modelFlops: 1000, executedFlops: 1200,
      keptBytes: .mebibytes(2), phases: [.forward: [0.5, 0.25], .update: [0.125]],
      lostUpdates: 0.75, withoutEffect: ["it drops nothing"],
      plan: ["q, k and v of layer 0: computed again"],
      onset: "step 2, forward, layer 1: the product made up not finite")
    record.counters = [
      "branch-misses": .unavailable("none here"), "l1dMisses": .measured(12.5),
    ]
    record.lastWords = "a line\nand \"another\""
    return record
  }

  static let plan = MemoryPlan([.run: [.kvCache: Bytes(3), .weights: Bytes(4)]])

  private static let probe = Record.Probe(flopsPerSecond: 1e11, bytesPerSecond: 2e10)

  private static let timing = Record.Timing(
    clockCost: Seconds(25e-9), warmUp: .init(windows: [0.2, 0.1], cut: 1, steady: true),
    blocks: [.init(round: 0, calls: 7, samples: [0.7, 0.1 + 0.2], before: probe, after: probe)],
    ceiling: .init(
      unit: "fma-512", level: .l2, threads: 2, flopsPerSecond: 1e11, readPerSecond: 2e10,
      fillPerSecond: 1e10),
    ceilingUnavailable: "no room", cache: .cold, rotation: 4,
    criterionMissed: "within 1 %: reached 2 %")

  private static let memory = Record.Memory(
    ledger: plan, live: [.kvCache: Bytes(3)], phase: .preparation, rotation: Bytes(5),
    limit: .gibibytes(8), refused: .init(role: .kvCache, bytes: Bytes(99), phase: .run),
    allocations: 4, residentPeak: .measured([.operands: Bytes(70), .run: Bytes(90)]),
    anonymousPeak: .measured(Bytes(80)), file: .measured(Bytes(10)),
    harness: .unavailable("not readable"), allocator: ["tcmalloc.currentBytes": .measured(9)],
    unused: [.kvCache: Bytes(2)])

  static let header = RunHeader(
    suite: .init(
      name: "decode", about: "One token.", text: "suite: decode\n", overrides: ["-a m=1"],
      claims: [.init(saver: "block", memory: 0.5, time: 1.25, source: "a paper")]),
    machine: Machine(
      cpuModel: "Example CPU", cpuStepping: "6.1.2", visibleCores: 8, threadsPerCore: 2,
      caches: [.init(level: 1, kind: "data", size: .kibibytes(48), sharedBy: 1)],
      memoryClass: .gibibytes(64), operatingSystem: "Debian 12", kernelMinor: "6.1",
      instructionSets: ["avx2", "avx512f"]),
    build: Build(
      version: "0.1.0", commit: .measured("abc123"), dirty: true, toolchain: "Swift 6.3",
      flags: "-O", allocator: "tcmalloc"),
    conditions: Conditions(
      load: .measured(0.25), governor: .unavailable("no cpufreq here"),
      clockMegahertz: .measured(2400), throttles: .measured(0), steal: .measured(0.012),
      hugePages: .measured("madvise"), availableMemory: .measured(.gibibytes(60)),
      memory: .init(
        limit: .gibibytes(3), bound: .controlGroup, place: "/sys/fs/cgroup/a",
        installed: .gibibytes(62), availableOfMachine: .gibibytes(60)),
      quota: .init(cores: 1.5, throttledShare: 0.25),
      warnings: ["busy"]),
    ceilings: Ceilings(
      compute: [.init(unit: "vnni-512", format: .int8, threads: 8, flopsPerSecond: 8e11)],
      bandwidth: [
        .init(
          level: .dram, threads: 8, footprint: .mebibytes(256), read: 120e9,
          readBy: ["2 streams, ahead 512": 110e9], fill: 60e9, fillNonTemporal: 90e9, copy: 100e9)
      ],
      clockCost: Seconds(25e-9), unavailable: [.l3: "no room"]),
    seed: .max, planned: ["matmul/m=1", "matmul/m=2"], processesPerCase: 6, shard: "1/4",
    notes: ["aNote": "x", "a_note": "y", "kebab-note": "z"],
    measure: .init(
      within: 0.01, budget: Seconds(5), memoryLimit: .gibibytes(8), cpus: [0, 1]),
    environment: ["HEADROOM_BUDGET": "5s"])
}
