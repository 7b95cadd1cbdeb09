/// What a reader should know before trusting an estimate.
package enum Warning: Hashable, Sendable {
  /// Under 6 blocks in the only run: no interval.
  case fewBlocks(Int)
  /// 2 to 5 runs: no interval.
  case fewRuns(Int)
  /// Joining blocks left them correlated, so that the interval is narrower than the truth.
  case correlatedBlocks(lagOne: Double)
  /// The interval's relative half width is above `Estimate.wide`.
  case wide(relativeHalfWidth: Double)
  /// Under 10 samples lie beyond the 99th percentile.
  case thinTail(samplesBeyondP99: Int)
}

extension Warning: CustomStringConvertible {
  package var description: String {
    switch self {
    case .fewBlocks(let count):
      "few blocks: \(count), and an interval needs \(MergedBlocks.fewest)"
    case .fewRuns(let count):
      "few runs: \(count), and an interval between runs needs \(MergedBlocks.fewest)"
    case .correlatedBlocks(let lagOne):
      "blocks are correlated (lag 1: \((lagOne * 100).rounded() / 100)): the interval is too narrow"
    case .wide(let relativeHalfWidth):
      "wide: the median is known to ± \(percent(relativeHalfWidth))"
    case .thinTail(let count):
      "p99 rests on \(count == 1 ? "1 sample" : "\(count) samples") beyond it, and is rough under \(Estimate.fewestBeyondP99)"
    }
  }
}
