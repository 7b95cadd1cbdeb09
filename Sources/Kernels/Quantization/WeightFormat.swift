package import Quantities

/// A way of storing a matrix of weights: an element type, and for whole numbers the weights that
/// share a scale and whether 0 is a code of its own.
package struct WeightFormat: Hashable, Sendable {
  package let elementType: ElementType
  /// Weights of a row that share a scale; nil where the type says it, or where a row does.
  package let group: Int?
  /// Codes have a zero point of each group's own.
  package let hasZeroPoint: Bool
  package let packing: Packing

  /// - Parameters:
  ///   - group: nil for types that have blocks of their own, for plain numbers, and for `int8` with a scale a
  ///     row.
  ///   - hasZeroPoint: true for `int8`, `int4` and `int3` with groups alone.
  ///   - packing: `awq` for `int4` with zero points alone.
  package init(
    _ elementType: ElementType, group: Int? = nil, hasZeroPoint: Bool = false,
    packing: Packing = .gptq
  ) {
    self.elementType = elementType
    self.group = group
    self.hasZeroPoint = hasZeroPoint
    self.packing = packing
  }

  /// As a format is stored where nobody says how: `int8` with a scale a row, other whole numbers with one
  /// for each 128 of a row.
  package static func usual(_ elementType: ElementType) -> WeightFormat {
    WeightFormat(elementType, group: [.int4, .int3].contains(elementType) ? 128 : nil)
  }

  /// What a row's length must be a multiple of.
  package var blockLength: Int { group ?? elementType.blockLength }

  /// Bytes of a matrix, scales and zero points included.
  package func bytes(rows: Int, columns: Int) -> Bytes {
    switch elementType {
    case .nf4: NF4.bytes(rows: rows, columns: columns)
    case .int8, .int4, .int3: IntegerWeights.Layout(self, rows: rows, columns: columns).bytes
    default: elementType.bytes(of: rows * columns)
    }
  }

  /// Where the scales of whole numbers begin, in bytes from the first.
  package func scalesOffset(rows: Int, columns: Int) -> Int {
    IntegerWeights.Layout(self, rows: rows, columns: columns).scalesAt
  }

  /// A matrix's weights where they lie; nil for plain numbers.
  package func weights(
    at start: UnsafeMutableRawPointer, rows: Int, columns: Int
  ) -> (any QuantizedWeights)? {
    switch elementType {
    case .fp32, .fp16, .bf16: nil
    case .nf4: NF4(start: start, rows: rows, columns: columns)
    case .int8, .int4, .int3:
      IntegerWeights(layout: .init(self, rows: rows, columns: columns), start: start)
    default: elementType.blockFormat.map { blockWeights($0, start, rows: rows, columns) }
    }
  }
}

/// How codes of groups lie in 32-bit words.
package enum Packing: String, CaseIterable, Codable, Sendable {
  /// Codes of one output follow each other along k.
  case gptq
  /// Eight outputs of one k in a word: those of int4 with zero points.
  case awq
}

/// A matrix of quantized weights, a row an output.
package protocol QuantizedWeights: Sendable {
  /// Stores all rows. The closure fills a buffer with the weights of a row.
  ///
  /// Throws a `WeightFault` for a weight that is not finite or beyond the format's range.
  func quantize(_ row: (Int, UnsafeMutablePointer<Float>) -> Void) throws
  /// Brings one row back to fp32: as many weights as the matrix has columns. Each product and each sum is
  /// rounded once, as the format's definition has it.
  func dequantize(row: Int, into weights: UnsafeMutablePointer<Float>)

  /// Brings some rows back to fp32 by loops for a set of instructions, to the same bits as row by row.
  ///
  /// - Parameter values: all of the output, rows × columns.
  /// - Returns: false where there are no such loops; nothing was written then.
  func dequantize(
    rows: Range<Int>, into values: UnsafeMutablePointer<Float>, _ loops: DequantizeLoops,
    nonTemporal: Bool
  ) -> Bool

  /// How panels' loops name the format.
  var panelFormat: PanelFormat { get }
  /// Reads what a group of a panel holds of one row.
  ///
  /// - Parameters:
  ///   - from: the group's first weight in the row.
  ///   - count: weights of a group.
  ///   - codes: become the weights' codes, a byte each.
  ///   - column: the row's place in the panel, at which the header gets its scales.
  func pack(
    row: Int, from: Int, count: Int, codes: UnsafeMutablePointer<UInt8>, column: Int,
    header: PanelHeader)
}

/// Weights that cannot be stored: where, why, and how to mend it.
package enum WeightFault: Error, Hashable {
  case notFinite(row: Int, column: Int, value: String)
  case beyondScale(row: Int, magnitude: Float, elementType: ElementType)

  package var what: String {
    switch self {
    case .notFinite(let row, let column, let value):
      "the weight in row \(row), column \(column) is \(value)"
    case .beyondScale(let row, let magnitude, let type):
      "row \(row) holds \(magnitude), which is beyond what \(type.rawValue)'s scale can stand for"
    }
  }

  package var mend: String {
    switch self {
    case .notFinite: "weights must be finite; look for an overflow where they were made"
    case .beyondScale: "scale the weights down, or use fp32 or bf16"
    }
  }
}

/// Looks a row over before it is stored.
func validate(
  _ weights: UnsafePointer<Float>, count: Int, row: Int, limit: Float, _ type: ElementType
) throws {
  for column in 0..<count {
    let weight = weights[column]
    guard abs(weight) <= limit else {
      guard weight.isFinite else {
        throw WeightFault.notFinite(row: row, column: column, value: "\(weight)")
      }
      throw WeightFault.beyondScale(row: row, magnitude: weight, elementType: type)
    }
  }
}
