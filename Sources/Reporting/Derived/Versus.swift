import OrderedCollections
import Records
import Statistics

/// A case beside the fastest that differs from it in nothing but the variant, where the two took
/// turns: the ratio of each round's medians, and its interval. A case of our own stands beside the
/// fastest competitor, where there is one.
package struct Versus: Codable, Hashable, Sendable {
  package let variant: String
  /// What the other is, by its own account, where it is a library of others.
  package let library: String?
  /// How many times as fast as the other this one is.
  package let ratio: Double
  /// The interval's ends; none under six rounds.
  package let low: Double?
  package let high: Double?

  /// - Parameter others: the records of each other case of the interleaved group.
  init?(of own: [Record], beside others: [[Record]]) {
    let mine = Self.rounds(own)
    var rivals = others.filter { Self.differsInVariant($0[0].case, own[0].case) }
    let competitors = rivals.filter { $0[0].library != nil }
    if own[0].library == nil, !competitors.isEmpty { rivals = competitors }
    guard let rival = rivals.min(by: { Self.typical($0) < Self.typical($1) }) else { return nil }
    let theirs = Self.rounds(rival)
    let shared = Set(mine.keys).intersection(theirs.keys).sorted()
    let pairs = shared.compactMap { key in
      mine[key].flatMap { b in theirs[key].map { (a: $0, b: b) } }
    }
    guard let paired = try? PairedRatio(rounds: pairs) else { return nil }
    variant = rival[0].variant ?? ""
    library = rival[0].library
    ratio = paired.median
    low = paired.interval.value?.low
    high = paired.interval.value?.high
  }

  private static func differsInVariant(_ left: Case, _ right: Case) -> Bool {
    var (left, right) = (left.axes, right.axes)
    left["variant"] = nil
    right["variant"] = nil
    return left == right
  }

  /// Block medians by process and round, as one number each so that they sort.
  static func rounds(_ records: [Record]) -> [Int: Double] {
    var rounds: [Int: Double] = [:]
    for record in records where record.outcome == .ok {
      for block in record.timing?.blocks ?? [] {
        rounds[record.run << 32 + block.round] = (try? Sample(block.perCall))?.median
      }
    }
    return rounds
  }

  private static func typical(_ records: [Record]) -> Double {
    (try? Sample(Array(rounds(records).values)))?.median ?? .infinity
  }
}
