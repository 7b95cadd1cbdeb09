import CMicrokernels
import Quantities

/// How panels' loops name a format, and how many weights of a row share a group of a panel.
package struct PanelFormat: Hashable, Sendable {
  let quantization: hr_quantization
  let group: Int

  init(_ type: ElementType, group: Int, isRow: Bool = false, hasZeroPoint: Bool = false) {
    self.group = group
    quantization =
      switch type {
      case .q4_0: HR_Q4_0
      case .q4_1: HR_Q4_1
      case .q5_0: HR_Q5_0
      case .q5_1: HR_Q5_1
      case .q8_0: HR_Q8_0
      case .q2_k: HR_Q2_K
      case .q3_k: HR_Q3_K
      case .q4_k: HR_Q4_K
      case .q5_k: HR_Q5_K
      case .q6_k: HR_Q6_K
      case .iq4_nl: HR_IQ4_NL
      case .nf4: HR_NF4
      case .int8: isRow ? HR_INT8_ROWS : hasZeroPoint ? HR_INT8_ZERO : HR_INT8
      case .int4: hasZeroPoint ? HR_INT4_ZERO : HR_INT4
      case .int3: hasZeroPoint ? HR_INT3_ZERO : HR_INT3
      case .fp32, .fp16, .bf16:
        preconditionFailure("\(type.rawValue) is not quantized")
      }
  }

  /// The group of a format whose rows have one scale: scales are repeated in a panel, so that it
  /// can be cut along k, but at most every 1024 weights, which costs 0.4 % of the bytes; and where
  /// activations' blocks of 256 end, or not at all.
  static func rowGroup(_ columns: Int) -> Int {
    let subBlocks = (columns + 31) / 32
    return 32 * ([32, 24, 16, 8].first { subBlocks % $0 == 0 } ?? subBlocks)
  }

  /// `WeightFormat` to panel, without a matrix at hand.
  package init(_ format: WeightFormat, columns: Int) {
    switch format.elementType {
    case .int8, .int4, .int3:
      self.init(
        format.elementType, group: format.group ?? Self.rowGroup(columns),
        isRow: format.group == nil, hasZeroPoint: format.hasZeroPoint)
    default: self.init(format.elementType, group: format.elementType.blockLength)
    }
  }
}
