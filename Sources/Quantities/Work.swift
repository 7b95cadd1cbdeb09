/// What one call of a kernel must do at the least, whoever computes it.
package struct Work: Hashable, Codable, Sendable {
  /// Floating-point (or integer) operations; a multiply and an add are two.
  package let flops: Int
  /// Bytes that must be read when each operand is read once.
  package let bytesRead: Bytes
  /// Bytes that must be written when each result is written once.
  package let bytesWritten: Bytes
  /// Tokens that one call brings forward, where it is a model or a part that takes whole tokens.
  package let tokens: Int?
  /// The number format whose ceiling binds the arithmetic.
  package let format: ComputeFormat

  package init(
    flops: Int, bytesRead: Bytes, bytesWritten: Bytes, tokens: Int? = nil, format: ComputeFormat
  ) {
    self.flops = flops
    self.bytesRead = bytesRead
    self.bytesWritten = bytesWritten
    self.tokens = tokens
    self.format = format
  }

  /// Distinct bytes that one call touches.
  package var workingSet: Bytes { bytesRead + bytesWritten }

  /// FLOPs per byte moved.
  package var arithmeticIntensity: Double {
    Double(flops) / Double(max(1, workingSet.count))
  }
}
