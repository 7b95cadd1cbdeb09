package import Quantities

/// What one child answered about one case: raw samples and readings, nothing derived.
package struct Record: Codable, Sendable {
  package var `case`: Case
  /// Which of the case's processes this is, from 0.
  package var run: Int
  package var outcome: Outcome
  /// The variant that was run; `best` is resolved here.
  package var variant: String?
  package var threads: Int?
  /// The library of others that the variant calls, by that one's own account.
  package var library: String?
  /// The interleaved group that the case took its turns in, where it was in one.
  package var group: Int?
  /// Cases that resolved to the same work and were not run again.
  package var merged: [String]
  package var work: Work?
  package var predicted: MemoryPlan?
  /// Why it was predicted not to fit, where it was. Runs from before have none.
  package var misfit: Misfit?
  package var preparation: Preparation?
  package var check: Check?
  package var timing: Timing?
  package var memory: Memory?
  /// What was live over the case's time, in at most 64 points. Runs from before have none.
  package var timeline: [TimelinePoint]?
  /// The case that ran out of memory, in whose place this one was tried.
  package var mended: Mended?
  package var counters: [String: Reading<Double>]?
  package var training: Training?
  /// The last lines that the child wrote on its standard error, where it did not end well.
  package var lastWords: String?

  package init(case: Case, run: Int, outcome: Outcome) {
    self.case = `case`
    self.run = run
    self.outcome = outcome
    merged = []
  }

  /// What the variant did before its first call, as an engine would at load time.
  package struct Preparation: Codable, Sendable {
    package var seconds: Seconds
    /// What it allocated that stays for the calls.
    package var bytes: Bytes

    package init(seconds: Seconds, bytes: Bytes) {
      self.seconds = seconds
      self.bytes = bytes
    }
  }

  /// The variant held against the reference, on the case's own operands.
  package struct Check: Codable, Sendable {
    package var passed: Bool
    /// The largest error, each relative to the sum of its own terms' magnitudes.
    package var relative: Double
    package var tolerance: Double
    /// How the tolerance follows from the arithmetic.
    package var basis: String
    /// Which results were compared: `all 4096` or `64 rows × 128 columns of 512 × 4096`.
    package var sampling: String
    /// Where the largest error was.
    package var worst: String
    /// What storing the weights so costs: the results' root mean square error against those of
    /// unrounded weights, relative to the latter's.
    package var ofFormat: Double?

    package init(
      passed: Bool, relative: Double, tolerance: Double, basis: String, sampling: String,
      worst: String, ofFormat: Double? = nil
    ) {
      self.passed = passed
      self.relative = relative
      self.tolerance = tolerance
      self.basis = basis
      self.sampling = sampling
      self.worst = worst
      self.ofFormat = ofFormat
    }
  }

  package struct Timing: Codable, Sendable {
    /// One reading of the child's clock.
    package var clockCost: Seconds
    package var warmUp: WarmUp
    /// In the order in which they were taken, each with the machine's speed on both sides.
    package var blocks: [Block]
    package var ceiling: CeilingUse?
    /// Why there is none.
    package var ceilingUnavailable: String?
    package var cache: CacheState
    /// The copies that a cold case took in turn; 1 for a warm one.
    package var rotation: Int
    /// The criterion that the budget cut off, with what was reached.
    package var criterionMissed: String?

    package init(
      clockCost: Seconds, warmUp: WarmUp, blocks: [Block], ceiling: CeilingUse?,
      ceilingUnavailable: String? = nil, cache: CacheState, rotation: Int, criterionMissed: String?
    ) {
      self.clockCost = clockCost
      self.warmUp = warmUp
      self.blocks = blocks
      self.ceiling = ceiling
      self.ceilingUnavailable = ceilingUnavailable
      self.cache = cache
      self.rotation = rotation
      self.criterionMissed = criterionMissed
    }
  }

  package struct WarmUp: Codable, Sendable {
    /// The median seconds per call of each window.
    package var windows: [Double]
    /// The first window that counted as steady.
    package var cut: Int
    package var steady: Bool

    package init(windows: [Double], cut: Int, steady: Bool) {
      self.windows = windows
      self.cut = cut
      self.steady = steady
    }
  }

  package struct Block: Codable, Sendable {
    /// The turn in an interleaved group; its own index otherwise.
    package var round: Int
    /// Calls per sample.
    package var calls: Int
    /// Seconds that each sample's calls took together.
    package var samples: [Double]
    /// The machine's speed just before and just after; blocks in a row share a probe.
    package var before: Probe
    package var after: Probe

    package init(round: Int, calls: Int, samples: [Double], before: Probe, after: Probe) {
      self.round = round
      self.calls = calls
      self.samples = samples
      self.before = before
      self.after = after
    }

    /// Seconds per call.
    package var perCall: [Double] { samples.map { $0 / Double(calls) } }
  }

  /// The machine's speed beside the blocks, by the case's own class of instruction.
  package struct Probe: Codable, Sendable {
    package var flopsPerSecond: Double
    /// Reading the level that the case lives in; where memory cannot bind, not measured.
    package var bytesPerSecond: Double?

    package init(flopsPerSecond: Double, bytesPerSecond: Double?) {
      self.flopsPerSecond = flopsPerSecond
      self.bytesPerSecond = bytesPerSecond
    }
  }

  /// Which ceilings the case is held against.
  package struct CeilingUse: Hashable, Codable, Sendable {
    /// The compute unit, as `Ceilings.Compute.unit`.
    package var unit: String
    package var level: MemoryLevel
    package var threads: Int
    /// FLOP/s when the machine was looked at as a whole.
    package var flopsPerSecond: Double
    package var readPerSecond: Double
    package var fillPerSecond: Double

    package init(
      unit: String, level: MemoryLevel, threads: Int, flopsPerSecond: Double,
      readPerSecond: Double, fillPerSecond: Double
    ) {
      self.unit = unit
      self.level = level
      self.threads = threads
      self.flopsPerSecond = flopsPerSecond
      self.readPerSecond = readPerSecond
      self.fillPerSecond = fillPerSecond
    }
  }

  package struct Memory: Codable, Sendable {
    /// What the ledger saw, phase by phase.
    package var ledger: MemoryPlan
    /// What was live when an allocation was refused, else when the child ended or was ended.
    package var live: [MemoryRole: Bytes]
    package var phase: MemoryPhase
    /// Copies that only the harness made, for a cold case.
    package var rotation: Bytes
    package var limit: Bytes?
    /// The allocation that was refused, where one was.
    package var refused: Refusal?
    package var allocations: Int
    /// The highest resident size in each phase.
    package var residentPeak: Reading<[MemoryPhase: Bytes]>
    /// Private memory at the resident peak: an estimate.
    package var anonymousPeak: Reading<Bytes>
    /// File-backed and shared pages when the child ended.
    package var file: Reading<Bytes>
    /// The harness's own private memory, before the case allocated anything.
    package var harness: Reading<Bytes>
    /// Properties of the allocator, by its own names.
    package var allocator: [String: Reading<Int>]
    /// Bytes of a role that held nothing: the ends of a cache's pages. Runs from before have none.
    package var unused: [MemoryRole: Bytes]?

    package init(
      ledger: MemoryPlan, live: [MemoryRole: Bytes], phase: MemoryPhase, rotation: Bytes,
      limit: Bytes?, refused: Refusal?, allocations: Int,
      residentPeak: Reading<[MemoryPhase: Bytes]>, anonymousPeak: Reading<Bytes>,
      file: Reading<Bytes>, harness: Reading<Bytes>, allocator: [String: Reading<Int>],
      unused: [MemoryRole: Bytes]? = nil
    ) {
      self.ledger = ledger
      self.live = live
      self.phase = phase
      self.rotation = rotation
      self.limit = limit
      self.refused = refused
      self.allocations = allocations
      self.residentPeak = residentPeak
      self.anonymousPeak = anonymousPeak
      self.file = file
      self.harness = harness
      self.allocator = allocator
      self.unused = unused
    }
  }

  /// An allocation that did not happen.
  package struct Refusal: Codable, Sendable {
    package var role: MemoryRole
    package var bytes: Bytes
    package var phase: MemoryPhase

    package init(role: MemoryRole, bytes: Bytes, phase: MemoryPhase) {
      self.role = role
      self.bytes = bytes
      self.phase = phase
    }
  }

  /// Why a case was tried that nobody asked for: another one ran out of memory.
  package struct Mended: Codable, Hashable, Sendable {
    /// The id of that case.
    package var from: String
    /// What was changed, in words.
    package var words: String
    /// Which try it was, from 1.
    package var attempt: Int
    /// What it was predicted to take.
    package var predicted: Bytes

    package init(from: String, words: String, attempt: Int, predicted: Bytes) {
      self.from = from
      self.words = words
      self.attempt = attempt
      self.predicted = predicted
    }
  }

  /// What the steps of a training case told.
  package struct Training: Codable, Sendable {
    /// Of the first steps, in their order.
    package var losses: [Double]
    /// Of all gradients of the first step together.
    package var gradientNorm: Double?
    /// Of one step, as the formulas have it, and as it is executed.
    package var modelFlops: Int
    package var executedFlops: Int
    /// What is kept of the forward pass at its end.
    package var keptBytes: Bytes
    /// Seconds that each of the first steps spent in a phase.
    package var phases: [MemoryPhase: [Double]]
    /// The share of updates of weights in 16 bits that rounding undid.
    package var lostUpdates: Double?
    /// Settings that changed nothing, each with the reason.
    package var withoutEffect: [String]
    /// What is computed again within a budget.
    package var plan: [String]
    /// Where a number came up first that is not finite.
    package var onset: String?

    package init(
      losses: [Double], gradientNorm: Double?, modelFlops: Int, executedFlops: Int,
      keptBytes: Bytes, phases: [MemoryPhase: [Double]], lostUpdates: Double? = nil,
      withoutEffect: [String], plan: [String] = [], onset: String? = nil
    ) {
      self.losses = losses
      self.gradientNorm = gradientNorm
      self.modelFlops = modelFlops
      self.executedFlops = executedFlops
      self.keptBytes = keptBytes
      self.phases = phases
      self.lostUpdates = lostUpdates
      self.withoutEffect = withoutEffect
      self.plan = plan
      self.onset = onset
    }
  }
}
