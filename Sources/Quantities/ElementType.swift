/// How a weight or an activation is stored.
package enum ElementType: String, CaseIterable, Codable, Sendable {
  case fp32
  case fp16
  case bf16

  /// Bits that one weight takes, its share of scales included.
  package var bitsPerWeight: Double {
    switch self {
    case .fp32: 32
    case .fp16, .bf16: 16
    }
  }

  /// The bytes of `count` elements that lie side by side.
  package func bytes(of count: Int) -> Bytes {
    switch self {
    case .fp32: Bytes(count * 4)
    case .fp16, .bf16: Bytes(count * 2)
    }
  }
}

/// The number format in which a case's arithmetic is held against the machine.
///
/// A workload names the format of its operands; the machine answers with its fastest unit for it.
package enum ComputeFormat: String, CaseIterable, Codable, Sendable {
  case fp32
  case fp16
  case bf16
  case int8
}
