/// Whether the machine kept its speed, by the probes taken beside a case's blocks.
package struct ProbeDrift: Hashable, Sendable {
  /// Above what memory shared with other machines moves by all day, below what changes a verdict:
  /// with 10 % a third of the rows of an idle host were marked, though every one of them agreed
  /// with its own repetition.
  package static let usualBound = 0.15

  /// The middle four fifths of the probes from end to end, as a share of their median: one probe
  /// that an interrupt fell into says nothing of the machine's speed.
  package let spread: Double
  /// The spread above which the machine counts as having moved.
  package let bound: Double

  package init(probes: Sample, bound: Double = usualBound) {
    precondition(bound > 0, "a bound is above 0")
    spread = share(of: probes.quantile(0.9) - probes.quantile(0.1), in: probes.median)
    self.bound = bound
  }

  package var moved: Bool { spread > bound }
}
