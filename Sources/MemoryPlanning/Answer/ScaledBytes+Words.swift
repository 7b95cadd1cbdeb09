import Quantities

extension ScaledBytes {
  /// The sum with its numbers put in: `8 B × 4096 rows + 4 B × 2 sequences`.
  func formula(at counts: BatchCounts) -> String {
    let parts = Unit.allCases.compactMap { unit -> String? in
      let bytes = self[unit]
      guard bytes != 0 else { return nil }
      if unit == .once { return "\(bytes) B" }
      return "\(bytes) B × \(counts.numbers[unit.rawValue]) \(unit.words)"
    }
    return parts.joined(separator: " + ")
  }
}

extension ScaledBytes.Unit {
  fileprivate var words: String {
    switch self {
    case .once: ""
    case .row: "rows"
    case .pair: "pairs of tokens"
    case .token: "tokens"
    case .square: "tokens²"
    case .sequence: "sequences"
    case .lossRow: "rows of the loss"
    case .paddedRow: "rows, padded"
    }
  }
}

extension Moment {
  func answerTerms(at counts: BatchCounts) -> [MemoryAnswer.Term] {
    terms.map {
      MemoryAnswer.Term(
        name: $0.name, role: $0.role, bytes: .init($0.size.bytes(at: counts)),
        formula: $0.size.formula(at: counts))
    }
  }
}
