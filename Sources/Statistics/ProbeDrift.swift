/// Whether the machine kept its speed, by probes taken before the first block and after each.
package struct ProbeDrift: Hashable, Sendable {
  /// A machine whose own speed moves by a tenth hides most changes that are looked for.
  package static let usualBound = 0.10

  /// The largest probe less the smallest, as a share of the median.
  package let spread: Double
  /// The spread above which the machine counts as having moved.
  package let bound: Double
  /// For each block, the mean of the two probes that bracket it; one fewer than the probes.
  package let brackets: [Double]

  /// - Parameter probes: n + 1 of them for n blocks, in order.
  package init(probes: Sample, bound: Double = usualBound) {
    precondition(bound > 0, "a bound is above 0")
    spread = share(of: probes.maximum - probes.minimum, in: probes.median)
    self.bound = bound
    brackets = zip(probes.values, probes.values.dropFirst()).map { ($0 + $1) / 2 }
  }

  package var moved: Bool { spread > bound }
}
