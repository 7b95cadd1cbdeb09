package import Quantities

/// What a process counts rather than times: the same in every run, or not comparable.
package struct ExactMetrics: Hashable, Codable, Sendable {
  package let flops: Int?
  package let allocations: Int?
  /// The maximum that each role held at once.
  package let bytes: [MemoryRole: Bytes]
  /// The maximum that all held at once.
  package let peak: Bytes?
  package let digest: String?

  package init(
    flops: Int?, allocations: Int?, bytes: [MemoryRole: Bytes], peak: Bytes?, digest: String?
  ) {
    self.peak = peak
    self.flops = flops
    self.allocations = allocations
    self.bytes = bytes
    self.digest = digest
  }
}

/// One counted figure of both builds.
package struct ExactChange: Hashable, Codable, Sendable {
  /// `allocations`, `flops`, `weights bytes`, …
  package let metric: String
  /// Where runs of one build differ, the end of its range that is nearest to the other's.
  package let base: Int
  package let head: Int
  /// What runs of a build range over, where they differ.
  package var baseSpan: Span?
  package var headSpan: Span?

  package struct Span: Hashable, Codable, Sendable {
    package let low: Int
    package let high: Int

    init?(_ values: Set<Int>) {
      guard values.count > 1, let low = values.min(), let high = values.max() else { return nil }
      self.low = low
      self.high = high
    }
  }

  package init(metric: String, base: Int, head: Int) {
    self.metric = metric
    self.base = base
    self.head = head
  }

  package var isWorse: Bool { head > base }

  /// As a share of base's; of one, where base has none.
  var growth: Double { (Double(head) - Double(base)) / Double(max(base, 1)) }
}

/// A figure's values over runs of two builds.
enum CountComparison {
  case same(Int)
  /// All of head's lie on one side of all of base's, further than runs of one build differ.
  case moved(ExactChange)
  /// They cannot be told apart by what runs of one build differ by.
  case unstable

  /// - Parameter isMean: whether each is a mean over calls that was rounded to a whole number.
  init?(_ metric: String, base: Set<Int>, head: Set<Int>, runs: Int, isMean: Bool) {
    guard let baseLow = base.min(), let baseHigh = base.max(), let headLow = head.min(),
      let headHigh = head.max()
    else { return nil }
    if base.count == 1, head.count == 1, baseLow == headLow {
      self = .same(baseLow)
      return
    }
    let spread = max(baseHigh - baseLow, headHigh - headLow)
    // Means that lie just on two sides of a rounding are one; that all of four runs a side fall so has a
    // chance of under 1 %. A single run does not show what runs differ by.
    let rounding = !isMean || runs >= 4 ? 0 : runs > 1 ? 1 : max(1, baseHigh / 100)
    let gap = max(headLow - baseHigh, baseLow - headHigh)
    guard gap > max(spread, rounding) else {
      self = .unstable
      return
    }
    let isUp = headLow > baseHigh
    var change = ExactChange(
      metric: metric, base: isUp ? baseHigh : baseLow, head: isUp ? headLow : headHigh)
    change.baseSpan = .init(base)
    change.headSpan = .init(head)
    self = .moved(change)
  }
}

/// Both builds' counts over all blocks, compared as far as each side agrees with itself.
package struct ExactComparison: Hashable, Codable, Sendable {
  package let changes: [ExactChange]
  /// Figures that differ between runs of one build, and by no more between builds: not compared.
  package let unstable: [String]
  /// Whether the results' bits differ; nil where a side does not agree with itself.
  package let outputChanged: Bool?

  package init(base: [ExactMetrics], head: [ExactMetrics]) {
    let digests = [Set(base.compactMap(\.digest)), Set(head.compactMap(\.digest))]
    self.init(
      base: Self.figures(base), head: Self.figures(head),
      outputChanged: digests.allSatisfy { $0.count == 1 } ? digests[0] != digests[1] : nil)
  }

  /// - Parameters: the distinct values of each figure; one that a side lacks is not compared.
  package init(base: [String: Set<Int>], head: [String: Set<Int>], outputChanged: Bool? = nil) {
    var changes: [ExactChange] = []
    var unstable: [String] = []
    for (metric, values) in base.sorted(by: { $0.key < $1.key }) {
      guard let others = head[metric] else { continue }
      switch CountComparison(metric, base: values, head: others, runs: 2, isMean: false) {
      case .moved(let change): changes.append(change)
      case .unstable: unstable.append(metric)
      case .same, nil: break
      }
    }
    self.changes = changes
    self.unstable = unstable
    self.outputChanged = outputChanged
  }

  /// The distinct values that one build's runs gave for each figure.
  private static func figures(_ runs: [ExactMetrics]) -> [String: Set<Int>] {
    var figures: [String: Set<Int>] = [:]
    for run in runs {
      if let flops = run.flops { figures["flops", default: []].insert(flops) }
      if let count = run.allocations { figures["allocations", default: []].insert(count) }
      if let peak = run.peak { figures["peak bytes", default: []].insert(peak.count) }
      // What a role does not hold is none, and may be some on the other side.
      for role in MemoryRole.allCases {
        figures["\(role.label) bytes", default: []].insert((run.bytes[role] ?? .zero).count)
      }
    }
    return figures
  }
}
