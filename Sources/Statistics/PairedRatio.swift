/// How many times `b` one thing, `a`, takes, from rounds in which the two took turns.
///
/// What both saw in a round (clock speed, a busy neighbour) cancels in the round's ratio, so that
/// the ratio is known better than either time. Its interval is that of a median, exact.
package struct PairedRatio: Hashable, Sendable {
  /// a ÷ b of each round, in order.
  package let ratios: Sample
  package let interval: Interval

  /// - Parameter rounds: the block medians of either, a pair per round.
  /// - Throws: `SampleFault` with the index of a round whose ratio is not a finite number.
  package init(
    rounds: [(a: Double, b: Double)], level: Double = Interval.usualLevel
  ) throws(SampleFault) {
    ratios = try Sample(rounds.map { $0.a / $0.b })
    interval = Interval(ofMedianOf: ratios, level: level, counting: "rounds")
  }

  package var median: Double { ratios.median }
}
