package import Quantities

/// What a suite, or an entry of its sweep, says of being gated; what is left out falls back.
package struct GateOptions: Hashable, Sendable {
  /// Slow-downs up to this one are no regression: 0.02 is 2 %.
  package var tolerated: Double?
  /// Slow-downs from this one on must not pass.
  package var detected: Double?
  /// How long one build is sampled before the other has its turn.
  package var turn: Seconds?
  /// The suite's alone: after it no block is run, and what is undecided is inconclusive.
  package var time: Seconds?
  /// Whether other bits in the results fail a case, rather than being noted.
  package var areOutputsExact: Bool?
  /// How much counts may grow.
  package var budget: ExactBudget = [:]

  package init() {}

  /// Each option of its own, else the other's.
  package func falling(backOn other: GateOptions) -> GateOptions {
    var options = self
    options.tolerated = tolerated ?? other.tolerated
    options.detected = detected ?? other.detected
    options.turn = turn ?? other.turn
    options.areOutputsExact = areOutputsExact ?? other.areOutputsExact
    options.budget = other.budget.merging(budget) { $1 }
    return options
  }
}

/// The options by the names that suites give them.
package enum GateKey: String, CaseIterable, Sendable {
  case tolerate, detect, turn, time, outputs, flops, allocations, bytes

  /// What a value must look like.
  var wanted: String {
    switch self {
    case .tolerate: "a percentage, as 2 %"
    case .detect: "a percentage above what is tolerated, as 5 %"
    case .turn: "a number and a unit, as 100 ms"
    case .time: "a number and a unit, as 5 min"
    case .outputs: "exact or noted"
    case .flops, .allocations: "how many more there may be, as 3 or 1 %"
    case .bytes: "how many more each role may hold, as 64 KiB or 1 %"
    }
  }
}

extension GateOptions {
  mutating func set(_ key: GateKey, to text: String, at place: Place) throws {
    let isSet =
      switch key {
      case .tolerate: set(\.tolerated, percentage(text))
      case .detect: set(\.detected, percentage(text).flatMap { $0 > tolerated ?? 0 ? $0 : nil })
      case .turn: set(\.turn, Seconds(text).flatMap { $0 > Seconds(0) ? $0 : nil })
      case .time: set(\.time, Seconds(text).flatMap { $0 > Seconds(0) ? $0 : nil })
      case .outputs: set(\.areOutputsExact, ["exact": true, "noted": false][text])
      case .flops: set(.flops, text)
      case .allocations: set(.allocations, text)
      case .bytes: set(.bytes, text)
      }
    guard isSet else { throw SuiteFault.badGate(key, text, place) }
  }

  private mutating func set(_ figure: ExactFigure, _ text: String) -> Bool {
    guard let growth = Growth(text) else { return false }
    budget[figure] = growth
    return true
  }

  private mutating func set<Value>(_ path: WritableKeyPath<GateOptions, Value?>, _ value: Value?)
    -> Bool
  {
    self[keyPath: path] = value
    return value != nil
  }
}
