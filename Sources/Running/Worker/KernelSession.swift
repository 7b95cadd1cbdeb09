import Foundation
import Kernels
import Measuring
import Planning
import Quantities
import Records
import Workloads

/// A case's life inside its child: allocate, prepare, check, warm up, sample, account.
final class KernelSession<W: Workload>: CaseSession {
  private let order: WorkOrder
  private let problem: W.Problem
  private let variant: Variant<W>
  private let ledger: MemoryLedger
  private let pool: ThreadPool
  private let sampler: BlockSampler<MonotonicClock>
  private var limit: ChildMemoryLimit?
  private var harness: Reading<Bytes> = .unavailable("nothing was prepared")
  private let counters: PerformanceCounters
  private var peaks = PhasePeaks()
  /// The last that the session began; a call may have phases of its own within it.
  private var phase = MemoryPhase.operands
  /// What calls take in turn: one, or the copies of a cold case.
  private var kernels: [any Kernel] = []
  private var nextCopy = 0
  /// A trial's.
  private var extra: Allocation?
  private var calls = 1

  init(order: WorkOrder) throws {
    self.order = order
    problem = try W.problem(order.problem.axes)
    guard let variant = Self.variant(named: order.variant) else {
      throw Fault("\(W.name) has no variant '\(order.variant)' in this build")
    }
    if let missing = variant.unavailable { throw Fault(missing) }
    self.variant = variant
    // Before the pool: a counter covers its own thread and those that are started later.
    counters = PerformanceCounters()
    pool = try ThreadPool(threads: order.threads, cpus: order.cpus)
    // The pool's threads exist and have run once: their stacks are the harness's, not the case's.
    pool.run(Idle())
    var settings = SamplingSettings()
    settings.block = order.sampling.block
    settings.sample = order.sampling.sample
    if let paired = order.paired {
      settings.window = paired.warmUpWindow
      settings.warmUpWindows = paired.warmUpWindows
      // The other side's turn lies before each: what is not timed is no longer than what is.
      settings.settling = Seconds(min(settings.settling.value, order.sampling.block.value / 4))
    }
    sampler = BlockSampler(clock: MonotonicClock(), settings: settings)
    ledger = try MemoryLedger(budget: order.memoryLimit, path: order.ledger)
  }

  /// A build that is compared with another chooses its own best.
  private static func variant(named name: String) -> Variant<W>? {
    name == VariantDescription.best ? W.bestVariant : W.variant(named: name)
  }

  private final class Idle: ParallelTask {
    func run(part: Int, of parts: Int) {}
  }

  func prepare() throws -> Answer {
    if let dump = order.dump {
      try CaseDump<W>(problem: problem, variant: variant, order: order, dump: dump, pool: pool)
        .write()
    }
    let isChecked = order.paired?.isChecked != false
    let reduced = isChecked ? try checkReduced() : nil
    if let reduced, !reduced.passed { return Self.failed(reduced) }
    // From here on memory is the case's own: what the check of another problem took is the harness's.
    harness = ProcessMemory.read().anonymous
    limit = try order.memoryLimit.map {
      try ChildMemoryLimit(
        budget: $0, offered: order.systemLimit ?? .dataSize(because: "no group was offered"),
        ledger: ledger)
    }
    begin(.operands)
    let operands = try W.operands(for: problem, seed: order.seed, in: ledger)
    end(.operands)

    begin(.preparation)
    let before = ledger.snapshot.live.values.reduce(.zero, +)
    let start = sampler.clock.now()
    if let bytes = order.paired?.extraBytes {
      extra = try ledger.allocate(bytes, role: .workspace)
    }
    let kernel = try variant.prepare(problem, operands, Execution(ledger: ledger, pool: pool))
    let seconds = Seconds(nanoseconds: sampler.clock.now() - start)
    let bytes = ledger.snapshot.live.values.reduce(.zero, +) - before
    let held = ResultCheck<W>(problem: problem, operands: operands, seed: order.seed)
    let check =
      try reduced.map { try held.finite($0) { kernel.run() } }
      ?? (isChecked ? held.check { kernel.run() } : nil)
    end(.preparation)
    if let onset = (kernel as? any TrainingKernelAccount)?.training.onset {
      return .failed(outcome: .failedCheck(reason: onset), check: check)
    }
    if let check, !check.passed { return Self.failed(check) }
    let digest = order.paired == nil ? nil : try held.digest { kernel.run() }
    kernels = [kernel]
    var prepared = try warmUp(preparation: .init(seconds: seconds, bytes: bytes), check: check)
    prepared.digest = digest
    prepared.variant = variant.name
    prepared.work = W.work(of: problem)
    return .prepared(prepared)
  }

  private static func failed(_ check: Record.Check) -> Answer {
    .failed(outcome: .failedCheck(reason: ResultCheck<W>.reason(of: check)), check: check)
  }

  /// Where a problem is too large for fp64, a smaller one is checked before it, in memory of its own.
  private func checkReduced() throws -> Record.Check? {
    guard let (smaller, label) = W.reduced(problem) else { return nil }
    let ledger = try MemoryLedger()
    let operands = try W.operands(for: smaller, seed: order.seed, in: ledger)
    let kernel = try variant.prepare(smaller, operands, Execution(ledger: ledger, pool: pool))
    return try ResultCheck<W>(problem: smaller, operands: operands, seed: order.seed, label: label)
      .check { kernel.run() }
  }

  /// The operands are let go before: what a kernel does not keep, an engine would not, either.
  private func warmUp(preparation: Record.Preparation, check: Record.Check?) throws -> Prepared {
    if order.cache == .cold { try makeCopies() }
    begin(.run)
    calls = sampler.calibrate(call)
    let warmUp = sampler.warmUp(calls: calls, call)
    return Prepared(
      preparation: preparation, check: check,
      warmUp: .init(windows: warmUp.windows, cut: warmUp.cut, steady: warmUp.steady),
      clockCost: sampler.clockCost, calls: calls, rotation: kernels.count,
      library: kernels[0].library)
  }

  func sample(calls: Int?, samples: Int?) -> [Double] {
    guard let calls, let samples else { return sampler.block(calls: self.calls, call) }
    // Every sample has its share of a trial's extra work, or the median would not see it.
    let extra = Double(calls) * (order.paired?.extraWork ?? 0)
    return sampler.block(calls: calls + Int(extra.rounded()), samples: samples, call)
  }

  func finish() -> Finished {
    let counters = count()
    end(phase)
    let account = ledger.snapshot
    let process = ProcessMemory.read()
    return Finished(
      memory: Record.Memory(
        account, limit: order.memoryLimit, residentPeak: peaks.residentPeak,
        anonymousPeak: peaks.anonymousPeakEstimate, file: process.file, harness: harness,
        allocator: AllocatorProperties.read(), unused: kernels.first?.unused ?? [:]),
      counters: counters, training: (kernels.first as? any TrainingKernelAccount)?.training)
  }

  /// One sample's calls under the counters, after all timing: counting must not disturb it.
  private func count() -> [String: Reading<Double>] {
    guard !kernels.isEmpty else { return [:] }
    counters.start()
    if counters.anyAvailable { for _ in 0..<calls { call() } }
    let calls = Double(calls)
    return counters.stop().values.mapValues { $0.map { $0 / calls } }
  }

  private func call() {
    guard kernels.count > 1 else { return kernels[0].run() }
    kernels[nextCopy].run()
    nextCopy = nextCopy + 1 == kernels.count ? 0 : nextCopy + 1
  }

  /// As many copies as together are sixteen times the last cache; two at the least.
  ///
  /// Last-level caches do not evict in order: going round four times their size still finds a tenth
  /// of the lines there (48 GB/s where DRAM gives 43), sixteen times finds a hundredth.
  private func makeCopies() throws {
    let size = max(1, W.work(of: problem).workingSet.count)
    let count = max(2, (16 * order.lastLevelCache.count + size - 1) / size)
    guard count <= Self.maxCopies else {
      throw Fault("\(Bytes(size)) a call is too small to be kept cold: \(count) copies are needed")
    }
    if let limit {
      let each = try W.plan(of: problem, variant: variant, threads: order.threads).peak
      try limit.raise(by: each * count)
    }
    try ledger.rotating {
      for copy in 1..<count {
        if let kernel = try kernels[0].copy(in: ledger) {
          kernels.append(kernel)
          continue
        }
        let operands = try W.operands(
          for: problem, seed: order.seed &+ UInt64(copy), in: ledger)
        kernels.append(
          try variant.prepare(problem, operands, Execution(ledger: ledger, pool: pool)))
      }
    }
  }

  /// Each copy is several mappings, and a process may have 65,530 of them.
  private static var maxCopies: Int { 8192 }

  private func begin(_ phase: MemoryPhase) {
    self.phase = phase
    ledger.begin(phase)
    peaks.begin(phase)
  }

  private func end(_ phase: MemoryPhase) { peaks.end(phase) }
}
