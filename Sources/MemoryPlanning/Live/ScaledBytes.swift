/// Bytes that grow with what a step is given: a sum of so many bytes for each row, each pair of tokens, and so on.
///
/// What a step holds at one moment is such a sum whatever its batch and tokens are, so that it is found once for
/// a model and its settings, and put into numbers a million times.
package struct ScaledBytes: Hashable, Sendable {
  var factors: SIMD8<Int>

  /// What bytes are counted for.
  package enum Unit: Int, CaseIterable, Sendable {
    case once
    /// Tokens of all sequences.
    case row
    /// Tokens of a sequence squared, of all sequences.
    case pair
    /// Tokens of one sequence, and those squared.
    case token, square
    case sequence
    /// Rows whose logits are held at one time.
    case lossRow
    /// Tokens of all sequences, each sequence's rounded up to 32.
    case paddedRow
  }

  init(_ factors: SIMD8<Int>) { self.factors = factors }

  package static let zero = ScaledBytes(.zero)

  static func fixed(_ bytes: Int) -> ScaledBytes { each(.once, bytes) }

  /// So many bytes for each of a unit.
  static func each(_ unit: Unit, _ bytes: Int) -> ScaledBytes {
    var factors = SIMD8<Int>.zero
    factors[unit.rawValue] = bytes
    return ScaledBytes(factors)
  }

  package subscript(unit: Unit) -> Int { factors[unit.rawValue] }

  static func + (left: ScaledBytes, right: ScaledBytes) -> ScaledBytes {
    ScaledBytes(left.factors &+ right.factors)
  }
  static func - (left: ScaledBytes, right: ScaledBytes) -> ScaledBytes {
    ScaledBytes(left.factors &- right.factors)
  }
  static func * (left: ScaledBytes, right: Int) -> ScaledBytes {
    ScaledBytes(left.factors &* right)
  }
  static func += (left: inout ScaledBytes, right: ScaledBytes) { left = left + right }
  static func -= (left: inout ScaledBytes, right: ScaledBytes) { left = left - right }

  /// Whether it is never above another, whatever the counts are.
  func isWithin(_ other: ScaledBytes) -> Bool { all(factors .<= other.factors) }

  /// - Precondition: the counts are so small that the sum is a 64-bit number.
  package func bytes(at counts: BatchCounts) -> Int { (factors &* counts.numbers).wrappedSum() }
}

/// How many of each unit there are.
package struct BatchCounts: Hashable, Sendable {
  let numbers: SIMD8<Int>

  var rows: Int { numbers[ScaledBytes.Unit.row.rawValue] }

  /// - Parameters:
  ///   - batch: sequences of so many tokens.
  ///   - lossRows: whose logits are held at one time; all where it is nil.
  package init(batch: Int, tokens: Int, lossRows: Int? = nil) {
    let rows = batch &* tokens
    numbers = SIMD8(
      1, rows, rows &* tokens, tokens, tokens &* tokens, batch, min(rows, lossRows ?? rows),
      batch &* ((tokens &+ 31) / 32 &* 32))
  }
}
