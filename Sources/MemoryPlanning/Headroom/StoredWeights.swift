import Kernels
import Quantities

/// A matrix of weights in a format, from its axes.
///
///     n rows of k weights, and their scales and zero points
///
/// - Source: `WeightFormat`, which lays each format out.
struct StoredWeights {
  let n: Int
  let k: Int
  let format: WeightFormat

  private enum GroupSize: String, CaseIterable {
    case usual, row
    case of32 = "32"
    case of64 = "64"
    case of128 = "128"
  }

  private enum ZeroPoint: String, CaseIterable {
    case none, stored
  }

  init(_ values: FormValues) throws {
    n = try values.count("n")
    k = try values.count("k")
    let type: ElementType = try values.word("format")
    let groupSize: GroupSize = try values.word("group-size")
    let zeroPoint: ZeroPoint = try values.word("zero-point")
    format = WeightFormat(
      type, group: Self.group(type, groupSize, zeroPoint),
      hasZeroPoint: Self.isInteger(type) && zeroPoint == .stored,
      packing: try values.word("packing"))
    try values.check([n, k], [k, values.threads])
    try validate(takesAxes: groupSize == .usual && zeroPoint == .none)
  }

  var bytes: Bytes { format.bytes(rows: n, columns: k) }

  /// Whole numbers times a scale leave open how many weights share it.
  var isInteger: Bool { Self.isInteger(format.elementType) }

  private static func isInteger(_ type: ElementType) -> Bool {
    type == .int8 || type == .int4 || type == .int3
  }

  private static func group(_ type: ElementType, _ size: GroupSize, _ zeroPoint: ZeroPoint) -> Int?
  {
    guard isInteger(type) else { return nil }
    return switch size {
    case .usual: type == .int8 && zeroPoint == .none ? nil : 128
    case .row: nil
    case .of32: 32
    case .of64: 64
    case .of128: 128
    }
  }

  private func validate(takesAxes isPlain: Bool) throws {
    let type = format.elementType
    guard isInteger || isPlain else {
      throw FormFault.noProblem(
        axis: "group-size", what: "\(type.rawValue) has blocks of its own",
        mend: "leave group-size and zero-point out, or use int8, int4 or int3")
    }
    if isInteger, format.group == nil, type != .int8 || format.hasZeroPoint {
      throw FormFault.noProblem(
        axis: "group-size", what: "\(type.rawValue) has no form with one scale a row",
        mend: "use 32, 64 or 128")
    }
    if format.packing == .awq, type != .int4 || !format.hasZeroPoint || n % 8 != 0 {
      throw FormFault.noProblem(
        axis: "packing",
        what:
          "AWQ packs 8 outputs of int4 with zero points, and these are \(n) of \(type.rawValue)",
        mend: "use the packing gptq")
    }
    try Self.check(length: k, of: format, axis: "k")
  }

  /// Throws where rows are no whole number of blocks.
  static func check(length: Int, of format: WeightFormat, axis: String) throws {
    guard length.isMultiple(of: format.blockLength) else {
      throw FormFault.noProblem(
        axis: axis,
        what: "\(axis) is \(length), and \(format.elementType.rawValue) is stored in blocks of "
          + "\(format.blockLength)",
        mend: "round it to a multiple of \(format.blockLength)")
    }
  }
}
