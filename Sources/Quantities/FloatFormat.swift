/// A number format whose elements are stored each by itself.
package enum FloatFormat: String, CaseIterable, Codable, Sendable {
  case fp32
  case fp16
  case bf16

  package var elementType: ElementType {
    switch self {
    case .fp32: .fp32
    case .fp16: .fp16
    case .bf16: .bf16
    }
  }

  /// The bytes of `count` elements that lie side by side.
  package func bytes(of count: Int) -> Bytes { elementType.bytes(of: count) }

  /// The format of the arithmetic on elements that are stored so.
  package var computeFormat: ComputeFormat {
    switch self {
    case .fp32: .fp32
    case .fp16: .fp16
    case .bf16: .bf16
    }
  }
}
