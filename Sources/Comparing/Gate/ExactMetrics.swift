package import Quantities

/// What a process counts rather than times: the same in every run, or not comparable.
package struct ExactMetrics: Hashable, Codable, Sendable {
  package let flops: Int?
  package let allocations: Int?
  /// The most that each role held at once.
  package let bytes: [MemoryRole: Bytes]
  package let digest: String?

  package init(
    flops: Int?, allocations: Int?, bytes: [MemoryRole: Bytes], digest: String?
  ) {
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

  package var isWorse: Bool { head > base }
}

/// Both builds' counts over all blocks, compared where each side agrees with itself.
package struct ExactComparison: Hashable, Codable, Sendable {
  package let changes: [ExactChange]
  /// Figures that differ between runs of one build: noise, not compared.
  package let unstable: [String]
  /// Whether the results' bits differ; nil where a side does not agree with itself.
  package let outputChanged: Bool?

  package init(base: [ExactMetrics], head: [ExactMetrics]) {
    let figures = [Self.figures(base), Self.figures(head)]
    var changes: [ExactChange] = []
    var unstable: [String] = []
    for metric in Set(figures[0].keys).union(figures[1].keys).sorted() {
      let sides = figures.map { $0[metric] ?? [0] }
      if sides.contains(where: { $0.count > 1 }) {
        unstable.append(metric)
      } else if let base = sides[0].first, let head = sides[1].first, base != head {
        changes.append(ExactChange(metric: metric, base: base, head: head))
      }
    }
    self.changes = changes
    self.unstable = unstable
    let digests = [Set(base.compactMap(\.digest)), Set(head.compactMap(\.digest))]
    outputChanged =
      digests.allSatisfy { $0.count == 1 } ? digests[0] != digests[1] : nil
  }

  /// The distinct values that one build's runs gave for each figure.
  private static func figures(_ runs: [ExactMetrics]) -> [String: Set<Int>] {
    var figures: [String: Set<Int>] = [:]
    for run in runs {
      if let flops = run.flops { figures["flops", default: []].insert(flops) }
      if let count = run.allocations { figures["allocations", default: []].insert(count) }
      for (role, bytes) in run.bytes {
        figures["\(role.rawValue) bytes", default: []].insert(bytes.count)
      }
    }
    return figures
  }
}
