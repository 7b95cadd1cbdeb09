import CMicrokernels

/// A set of instructions that a variant needs.
package enum Capability: String, CaseIterable, Sendable {
  case avx2
  case avx512
  case avx512VNNI = "avx512-vnni"
  case avx512BF16 = "avx512-bf16"
  case avx512FP16 = "avx512-fp16"
  case avxVNNI = "avx-vnni"

  package var isPresent: Bool {
    let features = hr_cpu_features()
    return features & mask == mask
  }

  /// Why this machine lacks it, if it does.
  package var missing: String? {
    isPresent ? nil : "this processor has no \(label)"
  }

  private var mask: UInt32 {
    switch self {
    case .avx2: HR_CPU_AVX2.rawValue
    case .avx512: HR_CPU_AVX512.rawValue
    case .avx512VNNI: HR_CPU_AVX512_VNNI.rawValue
    case .avx512BF16: HR_CPU_AVX512_BF16.rawValue
    case .avx512FP16: HR_CPU_AVX512_FP16.rawValue
    case .avxVNNI: HR_CPU_AVX_VNNI.rawValue
    }
  }

  private var label: String {
    switch self {
    case .avx2: "AVX2 with FMA and F16C"
    case .avx512: "AVX-512 (F, BW, DQ, VL)"
    case .avx512VNNI: "AVX-512 VNNI"
    case .avx512BF16: "AVX-512 BF16"
    case .avx512FP16: "AVX-512 FP16"
    case .avxVNNI: "AVX-VNNI"
    }
  }
}
