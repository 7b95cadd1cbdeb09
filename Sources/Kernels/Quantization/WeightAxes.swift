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

/// How codes of groups lie in 32-bit words, as an axis.
package enum Packing: String, AxisWord {
  /// Codes of one output follow each other along k.
  case gptq
  /// Eight outputs of one k in a word: those of int4 with zero points.
  case awq
}

extension WeightFormat {
  package init(
    _ elementType: ElementType, groupSize: GroupSize, zeroPoint: ZeroPoint,
    packing: Packing = .gptq
  ) {
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
      elementType, group: isInteger ? group : nil,
      hasZeroPoint: isInteger && zeroPoint == .stored, packing: packing)
  }

  /// Whether a matrix of n rows of k weights can be stored.
  package func validate(n: Int, k: Int, groupSize: GroupSize, zeroPoint: ZeroPoint) throws {
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
    guard packing == .gptq || (elementType == .int4 && hasZeroPoint) else {
      throw ProblemFault(
        axis: "packing", what: "AWQ stores int4 with zero points alone",
        fix: "use int4 with zero-point: stored, or leave packing out")
    }
    guard packing == .gptq || n % 8 == 0 else {
      throw ProblemFault(
        axis: "n", what: "n is \(n), and AWQ packs 8 outputs in a word",
        fix: "round n to \((n / 8 + 1) * 8), or use the packing gptq")
    }
    guard k % blockLength == 0 else {
      let next = (k / blockLength + 1) * blockLength
      throw ProblemFault(
        axis: "k",
        what: "k is \(k), which is not a multiple of the "
          + "\(blockLength)-weight \(group == nil ? "block of \(name)" : "group")",
        fix: "round k to \(next), or use fp32 weights")
    }
  }
}
