import Quantities

/// A change of a setting that may lower its peak, and what it costs in time.
package struct Mend: Hashable, Sendable {
  /// As `--allow` and `--why-not` name it.
  package let name: String
  /// What is done, in words: `block checkpointing`.
  package let words: String
  /// Keys with their new values; nil leaves a key out.
  package let changes: [String: String?]
  package let price: MendPrice
  /// Whether something else is trained, or it is trained otherwise: rounding apart.
  package let changesTraining: Bool

  package init(
    _ name: String, _ words: String, _ changes: [String: String?], _ price: MendPrice,
    changesTraining: Bool = false
  ) {
    self.name = name
    self.words = words
    self.changes = changes
    self.price = price
    self.changesTraining = changesTraining
  }

  package func priced(_ price: MendPrice) -> Mend {
    Mend(name, words, changes, price, changesTraining: changesTraining)
  }
}

/// The time of a step after a change over the time before.
package struct MendPrice: Hashable, Sendable {
  package let ratio: Double
  package let basis: Basis

  package enum Basis: Hashable, Sendable {
    /// By this program, in so many pairs of cases of a run.
    case measured(String)
    /// By somebody else, elsewhere.
    case quoted(String)
    /// Of several changes together: the product of their prices.
    case product
  }

  package init(_ ratio: Double, _ basis: Basis) {
    self.ratio = ratio
    self.basis = basis
  }
}
