/// How a tensor is stored in a GGUF file.
///
/// - Source: llama.cpp's `ggml-common.h`: bytes of a block, and numbers in it.
package enum GGMLType: String, CaseIterable, Sendable {
  case f32, f16, bf16
  case q4_0, q4_1, q5_0, q5_1, q8_0
  case q2_k, q3_k, q4_k, q5_k, q6_k
  case iq1_s, iq1_m, iq2_xxs, iq2_xs, iq2_s, iq3_xxs, iq3_s, iq4_nl, iq4_xs
  case tq1_0, tq2_0, mxfp4

  /// Bytes of a block, and the numbers that share it.
  package var block: (bytes: Int, numbers: Int) {
    switch self {
    case .f32: (4, 1)
    case .f16, .bf16: (2, 1)
    case .q4_0, .iq4_nl: (18, 32)
    case .q4_1: (20, 32)
    case .q5_0: (22, 32)
    case .q5_1: (24, 32)
    case .q8_0: (34, 32)
    case .mxfp4: (17, 32)
    case .q2_k: (84, 256)
    case .q3_k, .iq3_s: (110, 256)
    case .q4_k: (144, 256)
    case .q5_k: (176, 256)
    case .q6_k: (210, 256)
    case .iq1_s: (50, 256)
    case .iq1_m: (56, 256)
    case .iq2_xxs: (66, 256)
    case .iq2_xs: (74, 256)
    case .iq2_s: (82, 256)
    case .iq3_xxs: (98, 256)
    case .iq4_xs: (136, 256)
    case .tq1_0: (54, 256)
    case .tq2_0: (66, 256)
    }
  }

  /// What stands for it where rows are no whole blocks.
  ///
  /// - Source: llama.cpp's `llama-quant.cpp`, `tensor_type_fallback`.
  func fitting(columns: Int) -> GGMLType {
    guard columns % block.numbers != 0 else { return self }
    let other: GGMLType
    switch self {
    case .q4_k: other = .q5_0
    case .q5_k: other = .q5_1
    case .q6_k: other = .q8_0
    case .tq1_0, .tq2_0: other = .q4_0
    default: other = .iq4_nl
    }
    return columns % other.block.numbers == 0 ? other : .f16
  }

  package func bytes(rows: Int, columns: Int) -> Int {
    rows * (columns / block.numbers * block.bytes)
  }

  /// Bytes of so many numbers of a cache, each row of which is whole blocks.
  package func bytes(of count: Int) -> Int { count / block.numbers * block.bytes }
}
