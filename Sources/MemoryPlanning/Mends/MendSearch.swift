package import Quantities

/// Puts changes of a setting through the phase maximum, one by one and together: what gains nothing is not proposed.
package struct MendSearch {
  private let base: MemoryAnswer
  private let limit: Bytes
  private let mends: [Mend]

  /// Some changes together, and what they come to.
  package struct Proposal: Hashable, Sendable {
    package let mends: [Mend]
    package let answer: MemoryAnswer
    package let saved: Bytes
    package let price: MendPrice

    package var words: String { mends.map(\.words).joined(separator: ", ") }
    package var changes: [String: String?] {
      mends.reduce(into: [:]) { $0.merge($1.changes) { $1 } }
    }
    /// Time that is paid, as a share of a step, for each GiB that is saved.
    package var cost: Double {
      (price.ratio - 1) / max(1e-9, Double(saved.count) / 1_073_741_824)
    }
    package var changesTraining: Bool { mends.contains(where: \.changesTraining) }
  }

  /// Everything that was tried.
  package struct Result: Sendable {
    /// Those that fit, of which none has a part that fits; the cheapest for what it saves first.
    package let fitting: [Proposal]
    /// Single changes that lower the peak and do not fit by themselves.
    package let helpful: [Proposal]
    /// Single changes that leave the peak as it is or raise it, with what it then is.
    package let useless: [Proposal]

    package init(fitting: [Proposal], helpful: [Proposal], useless: [Proposal]) {
      self.fitting = fitting
      self.helpful = helpful
      self.useless = useless
    }
  }

  /// - Parameters:
  ///   - base: what the setting takes as it is.
  ///   - limit: that it is to fit.
  package init(_ base: MemoryAnswer, limit: Bytes, mends: [Mend]) {
    self.base = base
    self.limit = limit
    self.mends = mends
  }

  private static let together = 3
  /// So many that fit are looked for, the cheapest first.
  private static let enough = 10

  /// Whether one choice of changes costs less than another, and trains the same where the other does not.
  private static func isCheaper(_ one: [Mend], _ other: [Mend]) -> Bool {
    func cost(_ mends: [Mend]) -> (Int, Double) {
      (
        mends.contains(where: \.changesTraining) ? 1 : 0,
        mends.reduce(1) { $0 * $1.price.ratio }
      )
    }
    return cost(one) < cost(other)
  }

  /// - Parameter answer: what a setting with such changes takes; nil where they contradict each other.
  package func run(_ answer: ([String: String?]) -> MemoryAnswer?) -> Result {
    var fitting: [Proposal] = []
    var singles: [Proposal] = []
    for mend in mends {
      if let one = proposal([mend], answer) { singles.append(one) }
    }
    fitting += singles.filter { $0.answer.high <= limit }
    for count in 2...Self.together {
      for chosen in combinations(of: count).sorted(by: Self.isCheaper) {
        if fitting.count >= Self.enough { break }
        let names = Set(chosen)
        if fitting.contains(where: { names.isSuperset(of: $0.mends) }) { continue }
        guard let one = proposal(chosen, answer), one.answer.high <= limit else { continue }
        if isIdle(one, answer) { continue }
        fitting.append(one)
      }
    }
    return Result(
      fitting: fitting.sorted { ($0.rank, $0.cost) < ($1.rank, $1.cost) },
      helpful: singles.filter { $0.saved > .zero && $0.answer.high > limit }
        .sorted { $0.cost < $1.cost },
      useless: singles.filter { $0.saved <= .zero })
  }

  /// Whether one of the changes could be left out and the peak would stay.
  private func isIdle(_ one: Proposal, _ answer: ([String: String?]) -> MemoryAnswer?) -> Bool {
    one.mends.indices.contains { index in
      var rest = one.mends
      rest.remove(at: index)
      guard let fewer = proposal(rest, answer) else { return false }
      return fewer.answer.high <= one.answer.high
    }
  }

  private func proposal(_ chosen: [Mend], _ answer: ([String: String?]) -> MemoryAnswer?)
    -> Proposal?
  {
    var changes: [String: String?] = [:]
    for mend in chosen {
      for (key, value) in mend.changes {
        if let there = changes[key], there != value { return nil }
        changes[key] = value
      }
    }
    guard let found = answer(changes) else { return nil }
    let price =
      chosen.count == 1
      ? chosen[0].price : MendPrice(chosen.reduce(1) { $0 * $1.price.ratio }, .product)
    return Proposal(
      mends: chosen, answer: found, saved: base.best - found.best, price: price)
  }

  private func combinations(of count: Int) -> [[Mend]] {
    func pick(_ from: Int, _ left: Int) -> [[Mend]] {
      guard left > 0 else { return [[]] }
      guard from < mends.count else { return [] }
      return pick(from + 1, left - 1).map { [mends[from]] + $0 } + pick(from + 1, left)
    }
    return pick(0, count).filter { chosen in
      Set(chosen.map(\.name)).count == chosen.count
    }
  }
}

extension MendSearch.Proposal {
  /// What trains the same comes first.
  fileprivate var rank: Int { changesTraining ? 1 : 0 }
}
