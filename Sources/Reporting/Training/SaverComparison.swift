import OrderedCollections
import Quantities
import Records
import Statistics

/// Training cases that differ in what saves memory alone, beside the one that saves nothing.
struct SaverComparison {
  let baseline: CaseReport
  /// From most memory to least where they differ in checkpointing alone: a curve. Else in the plan's order.
  let rows: [Row]
  /// Steps whose losses all of them have.
  let steps: Int
  /// Cases than which no other is both as small and as fast, and better in one of the two.
  private let front: Set<Case>

  /// One saver, alone or several stacked.
  struct Row {
    let label: String
    let report: CaseReport
    let training: TrainingAccount
    let peak: Bytes
    /// Of the baseline's.
    let memoryRatio: Double
    /// How many times the baseline's time, and its interval where the two took turns often enough.
    let timeRatio: Double?
    let timeInterval: (low: Double, high: Double)?
    /// What holds less at its peak than at the baseline's; nothing where the peak is no lower.
    let fell: MemoryRole?
    /// Bytes saved for each millisecond more; nothing where it saves none, or costs none.
    let bytesPerMillisecond: Double?
    let published: [PublishedClaim]
  }

  /// One for each set of cases that differ in their savers alone, where one of them has none.
  static func all(of report: Report) -> [SaverComparison] {
    let trained = report.cases.filter { $0.outcome == .ok && $0.training != nil }
    return OrderedDictionary(grouping: trained) { MemorySaver.key(of: $0.case) }.values
      .compactMap { SaverComparison($0, report.claims) }
  }

  private init?(_ cases: [CaseReport], _ claims: [PublishedClaim]) {
    guard let baseline = cases.first(where: { MemorySaver.label(of: $0.case) == nil }),
      cases.count > 1, let peak = baseline.memory.peak.value
    else { return nil }
    self.baseline = baseline
    steps = cases.compactMap(\.training?.losses.count).min() ?? 0
    var rows = cases.compactMap { report in
      MemorySaver.label(of: report.case).flatMap { Row($0, report, baseline, peak, claims) }
    }
    if rows.allSatisfy({ MemorySaver.isCheckpointingAlone(in: $0.report.case) }) {
      rows.sort { $0.peak > $1.peak }
    }
    self.rows = rows
    front = Self.front(
      [Point(case: baseline.case, peak: peak, time: 1)] + rows.compactMap(Point.init))
  }

  /// Whether a case lies on the Pareto front of memory and time.
  func isOnFront(_ report: CaseReport) -> Bool { front.contains(report.case) }

  fileprivate struct Point {
    let `case`: Case
    let peak: Bytes
    let time: Double
  }

  private static func front(_ points: [Point]) -> Set<Case> {
    let kept = points.filter { own in
      !points.contains { other in
        other.peak <= own.peak && other.time <= own.time
          && (other.peak < own.peak || other.time < own.time)
      }
    }
    return Set(kept.map(\.case))
  }

  /// The loss of the last step that all of them have.
  func loss(of training: TrainingAccount) -> Double? {
    steps > 0 ? training.losses[steps - 1] : nil
  }
}

extension SaverComparison.Point {
  fileprivate init?(_ row: SaverComparison.Row) {
    guard let time = row.timeRatio else { return nil }
    self.init(case: row.report.case, peak: row.peak, time: time)
  }
}

extension SaverComparison.Row {
  fileprivate init?(
    _ label: String, _ report: CaseReport, _ baseline: CaseReport, _ before: Bytes,
    _ claims: [PublishedClaim]
  ) {
    guard let training = report.training, let peak = report.memory.peak.value else { return nil }
    self.label = label
    self.report = report
    self.training = training
    self.peak = peak
    memoryRatio = Double(peak.count) / Double(max(1, before.count))
    let rounds = report.rounds.keys.sorted().compactMap { round in
      baseline.rounds[round].flatMap { b in report.rounds[round].map { (a: $0, b: b) } }
    }
    let paired =
      report.group != nil && report.group == baseline.group
      ? try? PairedRatio(rounds: rounds) : nil
    let medians = report.latency.value.flatMap { own in
      baseline.latency.value.map { own.median.value / $0.median.value }
    }
    timeRatio = paired?.median ?? medians
    timeInterval = paired?.interval.value.map { ($0.low, $0.high) }
    fell = peak < before ? Self.fell(from: baseline.memory, to: report.memory) : nil
    let cost = report.latency.value.flatMap { own in
      baseline.latency.value.map { (own.median.value - $0.median.value) * 1e3 }
    }
    let saved = Double(before.count - peak.count)
    bytesPerMillisecond = cost.flatMap { saved > 0 && $0 > 0 ? saved / $0 : nil }
    let savers = MemorySaver.words(label)
    published = claims.filter { MemorySaver.words($0.saver) == savers }
  }

  private static func fell(from before: MemoryAccount, to after: MemoryAccount) -> MemoryRole? {
    guard let before = before.byRole.value, let after = after.byRole.value else { return nil }
    return MemoryRole.allCases.max {
      (before[$0] ?? .zero).count - (after[$0] ?? .zero).count
        < (before[$1] ?? .zero).count - (after[$1] ?? .zero).count
    }
  }
}
