package import Quantities

/// What a process counts rather than times: the same in every run, or not comparable.
package struct ExactMetrics: Hashable, Codable, Sendable {
  package let flops: Int?
  package let allocations: Int?
  /// The most that each role held at once.
  package let bytes: [MemoryRole: Bytes]
  /// The most that all held at once.
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
  package let base: Int
  package let head: Int

  package init(metric: String, base: Int, head: Int) {
    self.metric = metric
    self.base = base
    self.head = head
  }

  package var isWorse: Bool { head > base }

  /// As a share of base's; of one, where base has none.
  var growth: Double { Double(head - base) / Double(max(base, 1)) }
}

/// Both builds' counts over all blocks, compared where each side agrees with itself.
package struct ExactComparison: Hashable, Codable, Sendable {
  package let changes: [ExactChange]
  /// Figures that differ between runs of one build: noise, not compared.
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
      if values.count > 1 || others.count > 1 {
        unstable.append(metric)
      } else if let base = values.first, let head = others.first, base != head {
        changes.append(ExactChange(metric: metric, base: base, head: head))
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
