package import Kernels
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

extension Packing: AxisWord {}

/// A matrix of weights in a format, as axes of a problem.
package struct WeightAxes: AxisGroup {
  /// Rows: outputs of a layer.
  package let n: Int
  /// Weights of a row.
  package let k: Int
  package let format: ElementType
  /// Weights that share a scale, where the format leaves that open.
  package let groupSize: GroupSize
  package let zeroPoint: ZeroPoint
  package let packing: Packing

  /// What is left out is as in `defaults`; `validate` says whether the values go together.
  package init(
    n: Int, k: Int, format: ElementType, groupSize: GroupSize = .usual,
    zeroPoint: ZeroPoint = .none, packing: Packing = .gptq
  ) {
    self.n = n
    self.k = k
    self.format = format
    self.groupSize = groupSize
    self.zeroPoint = zeroPoint
    self.packing = packing
  }

  /// Their values where they are left out.
  static let defaults = ["group-size": "usual", "zero-point": "none", "packing": "gptq"]

  package var stored: WeightFormat {
    let isInteger = [.int8, .int4, .int3].contains(format)
    let group: Int? =
      switch groupSize {
      case .usual: format == .int8 && zeroPoint == .none ? nil : 128
      case .row: nil
      case .of32: 32
      case .of64: 64
      case .of128: 128
      }
    return WeightFormat(
      format, group: isInteger ? group : nil,
      hasZeroPoint: isInteger && zeroPoint == .stored, packing: packing)
  }

  /// Of the whole matrix, scales and zero points included.
  var bytes: Bytes { stored.bytes(rows: n, columns: k) }

  /// Whether a matrix of n rows of k weights can be stored.
  func validate() throws {
    let stored = stored
    let (elementType, group) = (stored.elementType, stored.group)
    let name = elementType.rawValue
    let isInteger = [.int8, .int4, .int3].contains(elementType)
    guard isInteger || (groupSize == .usual && zeroPoint == .none) else {
      let axis = groupSize == .usual ? "zero-point" : "group-size"
      throw ProblemFault(
        axis: axis, what: "\(name) has blocks of its own, and takes no \(axis)",
        fix: "leave it out, or use int8, int4 or int3")
    }
    if isInteger, group == nil, elementType != .int8 || stored.hasZeroPoint {
      throw ProblemFault(
        axis: "group-size", what: "\(name) has no form with one scale a row",
        fix: "use 32, 64 or 128")
    }
    guard packing == .gptq || (elementType == .int4 && stored.hasZeroPoint) else {
      throw ProblemFault(
        axis: "packing", what: "AWQ stores int4 with zero points alone",
        fix: "use int4 with zero-point: stored, or leave packing out")
    }
    guard packing == .gptq || n % 8 == 0 else {
      throw ProblemFault(
        axis: "n", what: "n is \(n), and AWQ packs 8 outputs in a word",
        fix: "round n to \((n / 8 + 1) * 8), or use the packing gptq")
    }
    guard k % stored.blockLength == 0 else {
      let next = (k / stored.blockLength + 1) * stored.blockLength
      throw ProblemFault(
        axis: "k",
        what: "k is \(k), which is not a multiple of the "
          + "\(stored.blockLength)-weight \(group == nil ? "block of \(name)" : "group")",
        fix: "round k to \(next), or use fp32 weights")
    }
  }
}
