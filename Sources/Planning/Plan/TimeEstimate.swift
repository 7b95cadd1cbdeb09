package import Quantities
import Records
import Workloads

/// What one process of a case is expected to take, part by part: most of a whole model's time goes by before
/// it is timed.
///
/// The rates are those of a machine of two cores of 2.6 GHz with 512-bit vectors, taken from sweeps there; one
/// that differs takes its own time, and the time left that a sweep tells follows what cases took.
package struct TimeEstimate: Hashable, Sendable {
  /// Until the child says hello, and from its last answer until it is gone.
  package let starting: Seconds
  /// Making up and packing all that the case holds.
  package let filling: Seconds
  /// What results should be, in fp64.
  package let checking: Seconds
  /// The call that is checked, those that find how many make a sample, and warming up.
  package let warming: Seconds
  /// Blocks between probes, until the budget is spent.
  package let sampling: Seconds

  package var total: Seconds {
    Seconds([starting, filling, checking, warming, sampling].reduce(0) { $0 + $1.value })
  }

  /// What a case is, as far as its time goes.
  package struct Facts: Hashable, Sendable {
    package var work: Work
    /// Operations whose results are held against the reference.
    package var checkedFlops: Int
    /// The most that it holds at one time.
    package var peak: Bytes
    package var threads: Int
    package var isCold: Bool
    package var budget: Seconds

    package init(
      work: Work, checkedFlops: Int, peak: Bytes, threads: Int, isCold: Bool, budget: Seconds
    ) {
      self.work = work
      self.checkedFlops = checkedFlops
      self.peak = peak
      self.threads = threads
      self.isCold = isCold
      self.budget = budget
    }
  }

  package init(_ facts: Facts) {
    let call = Self.call(facts)
    starting = Self.start
    let copies = facts.isCold ? max(Self.coldCopies.count, facts.peak.count) : 0
    filling = Seconds(Double(facts.peak.count + copies) / Self.fillRate)
    checking = Seconds(Double(facts.checkedFlops) / Self.referenceRate)
    // A call is checked, and two more at the least find how many make a sample.
    warming = Seconds(3 * call + Self.windows * max(call, Self.window))
    // A call before each block is not timed.
    let block = max(call, Self.settling) + max(call, Self.block) + Self.probe
    sampling = Seconds((facts.budget.value / block).rounded(.up) * block)
  }

  /// One call, at the share of the machine's own speed that whole models reach.
  private static func call(_ facts: Facts) -> Double {
    let flops = flopsPerSecond[facts.work.format] ?? 1e11
    let arithmetic = Double(facts.work.flops) / (flops * Double(facts.threads))
    let memory = Double(facts.work.workingSet.count) / memoryRate
    return max(arithmetic, memory) / share
  }
}

extension TimeEstimate {
  /// A process of this program says hello after 80 ms, and is gone 20 ms after it was told to leave.
  private static let start = Seconds(0.1)
  /// Bytes a second that are made up, by one thread, quantized and packed: 625 MiB of q4_0 weights took 0.88 s,
  /// 2.19 GiB in fp16 2.3 s.
  private static let fillRate = 0.85e9
  /// What the plain loops of references do in fp64, of several threads or one.
  private static let referenceRate = 1.0e9
  /// Of one core, by its widest instructions for the format: as `headroom machine` measures it.
  private static let flopsPerSecond: [ComputeFormat: Double] = [
    .fp32: 110e9, .fp16: 110e9, .bf16: 220e9, .int8: 440e9,
  ]
  /// Reading DRAM, of all cores together: as `headroom machine` measures it.
  private static let memoryRate = 32e9
  /// What whole models and steps reach of those rates; a product alone reaches nearly all.
  private static let share = 0.7
  /// Windows of warm-up: four at the least, and few cases need many more.
  private static let windows = 5.0
  /// What a window, a block and the stretch before it take at the least, as a child's sampler has it.
  private static let window = 0.01
  private static let block = 0.1
  private static let settling = 0.001
  /// A probe of arithmetic and one of memory, each of 2 ms, with what the processes say to each other.
  private static let probe = 0.006
  /// A cold case has copies of sixteen times a cache of 32 MiB.
  private static let coldCopies = Bytes.mebibytes(512)
}

extension Plan {
  /// Measuring the machine's ceilings, for each number of threads: 1.05 s each.
  package static let looking = Seconds(1.05)

  /// What all of it is expected to take, from the look at the machine to the last record.
  package var estimatedSeconds: Seconds {
    let counts = Set(cases.map(\.threads)).union([1]).count
    let all = cases.reduce(0) { $0 + estimate(of: $1).total.value * Double(measure.runs) }
    return Seconds(cases.isEmpty ? 0 : all + Self.looking.value * Double(counts))
  }

  /// What one process of a case is expected to take.
  package func estimate(of planned: PlannedCase) -> TimeEstimate {
    TimeEstimate(
      .init(
        work: planned.work, checkedFlops: planned.problem.checkedFlops,
        peak: planned.predicted.peak, threads: planned.threads, isCold: planned.cache == .cold,
        budget: measure.budget))
  }
}
