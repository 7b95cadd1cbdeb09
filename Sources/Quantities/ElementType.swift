/// How a weight or an activation is stored.
package enum ElementType: String, CaseIterable, Codable, Sendable {
  case fp32
  case fp16
  case bf16
  /// GGUF's blocks, by their names there.
  case q8_0, q5_1, q5_0, q4_1, q4_0
  case q6_k, q5_k, q4_k, q3_k, q2_k
  case iq4_nl
  /// QLoRA's 4-bit levels, with scales that are quantized in turn.
  case nf4
  /// Whole numbers times a scale a row, or a group of a row.
  case int8, int4, int3

  /// Bits that one weight takes, its share of scales included. Groups of 128 where the format
  /// leaves their size open, rows for `int8`, whose scales' share depends on their length.
  package var bitsPerWeight: Double {
    switch self {
    case .fp32: 32
    case .fp16, .bf16: 16
    // A byte a scale of 64, fp32 for 256 of those.
    case .nf4: 4 + 8.0 / 64 + 32.0 / (64 * 256)
    case .int8: 8
    case .int4: 4 + 16.0 / 128
    case .int3: 3 + 16.0 / 128
    default: Double(blockBytes * 8) / Double(blockLength)
    }
  }

  /// Weights that share a block; 1 where each is stored by itself.
  package var blockLength: Int {
    switch self {
    case .q8_0, .q5_1, .q5_0, .q4_1, .q4_0, .iq4_nl: 32
    case .q6_k, .q5_k, .q4_k, .q3_k, .q2_k: 256
    case .nf4: 64
    case .fp32, .fp16, .bf16, .int8, .int4, .int3: 1
    }
  }

  /// Bytes of one block of those formats whose blocks hold all there is.
  private var blockBytes: Int {
    switch self {
    case .q8_0: 34
    case .q5_1: 24
    case .q5_0: 22
    case .q4_1: 20
    case .q4_0, .iq4_nl: 18
    case .q6_k: 210
    case .q5_k: 176
    case .q4_k: 144
    case .q3_k: 110
    case .q2_k: 84
    case .fp32: 4
    case .fp16, .bf16: 2
    case .nf4, .int8, .int4, .int3:
      preconditionFailure("\(rawValue) has scales apart from its blocks")
    }
  }

  /// The bytes of `count` elements that lie side by side: whole blocks.
  package func bytes(of count: Int) -> Bytes {
    precondition(count % blockLength == 0, "\(rawValue) is stored in blocks of \(blockLength)")
    return Bytes(count / blockLength * blockBytes)
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
