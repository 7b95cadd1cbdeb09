import CMicrokernels
package import Quantities

/// How a cache stores keys or values: as they are, in 16 bits, or in blocks of 32 with a scale each.
package enum CacheType: String, CaseIterable, Codable, Sendable {
  case fp32
  case fp16
  case bf16
  case q8_0
  case q4_0

  package var elementType: ElementType {
    switch self {
    case .fp32: .fp32
    case .fp16: .fp16
    case .bf16: .bf16
    case .q8_0: .q8_0
    case .q4_0: .q4_0
    }
  }

  /// Whether 32 numbers of a token's head share a scale.
  package var isQuantized: Bool { self == .q8_0 || self == .q4_0 }

  var stored: hr_cache_type {
    switch self {
    case .fp32: HR_CACHE_FP32
    case .fp16: HR_CACHE_FP16
    case .bf16: HR_CACHE_BF16
    case .q8_0: HR_CACHE_Q8_0
    case .q4_0: HR_CACHE_Q4_0
    }
  }

  /// What numbers are read back as once they are stored so. Where 32 share a scale, there must be whole
  /// blocks of them.
  package func rounded(_ values: [Float]) -> [Float] {
    switch self {
    case .fp32: return values
    case .fp16: return values.map { Float16Bits.float(Float16Bits.bits($0)) }
    case .bf16: return values.map { BFloat16Bits.float(BFloat16Bits.bits($0)) }
    case .q8_0, .q4_0:
      guard let format = elementType.blockFormat else { return values }
      var result = values
      values.withUnsafeBufferPointer { from in
        result.withUnsafeMutableBufferPointer { to in
          guard let from = from.baseAddress, let to = to.baseAddress else { return }
          withUnsafeTemporaryAllocation(byteCount: format.blockBytes, alignment: 2) { block in
            guard let block = block.baseAddress else { return }
            for start in stride(from: 0, to: values.count, by: format.blockLength) {
              format.quantize(from + start, into: block)
              format.dequantize(block, into: to + start)
            }
          }
        }
      }
      return result
    }
  }
}
