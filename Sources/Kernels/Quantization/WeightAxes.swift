package import Quantities

/// Weights of a row that share a scale, as an axis.
package enum GroupSize: String, AxisWord {
  /// As the format has it: a row for int8, 128 for int4 and int3.
  case usual
  case row
  case of32 = "32"
  case of64 = "64"
  case of128 = "128"
}

/// Whether groups have zero points of their own, as an axis.
package enum ZeroPoint: String, AxisWord {
  /// Symmetric: the middle code stands for 0.
  case none
  /// Asymmetric.
  case stored
}

extension WeightFormat {
  package init(_ elementType: ElementType, groupSize: GroupSize, zeroPoint: ZeroPoint) {
    let isInteger = [.int8, .int4, .int3].contains(elementType)
    let group: Int? =
      switch groupSize {
      case .usual: elementType == .int8 && zeroPoint == .none ? nil : 128
      case .row: nil
      case .of32: 32
      case .of64: 64
      case .of128: 128
      }
    self.init(
      elementType, group: isInteger ? group : nil, hasZeroPoint: isInteger && zeroPoint == .stored)
  }

  /// Whether a row of that many weights can be stored.
  package func validate(
    columns: Int, axis: String, groupSize: GroupSize, zeroPoint: ZeroPoint
  ) throws {
    let name = elementType.rawValue
    let isInteger = [.int8, .int4, .int3].contains(elementType)
    guard isInteger || (groupSize == .usual && zeroPoint == .none) else {
      let axis = groupSize == .usual ? "zero-point" : "group-size"
      throw ProblemFault(
        axis: axis, what: "\(name) has blocks of its own, and takes no \(axis)",
        fix: "leave it out, or use int8, int4 or int3")
    }
    if isInteger, group == nil, elementType != .int8 || hasZeroPoint {
      throw ProblemFault(
        axis: "group-size", what: "\(name) has no form with one scale a row",
        fix: "use 32, 64 or 128")
    }
    guard columns % blockLength == 0 else {
      let next = (columns / blockLength + 1) * blockLength
      throw ProblemFault(
        axis: axis,
        what: "\(axis) is \(columns), which is not a multiple of the "
          + "\(blockLength)-weight \(group == nil ? "block of \(name)" : "group")",
        fix: "round \(axis) to \(next), or use fp32 weights")
    }
  }
}
