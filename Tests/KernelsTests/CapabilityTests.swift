import CMicrokernels
import Foundation
import Kernels
import Testing

struct CapabilityTests {
  /// The flags' names as Linux prints them, for what each capability stands on.
  @Test(arguments: [
    (Capability.avx2, ["avx2", "fma", "f16c"]),
    (.avx512, ["avx512f", "avx512bw", "avx512dq", "avx512vl"]),
    (.avx512VNNI, ["avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni"]),
    (.avx512BF16, ["avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_bf16"]),
    (.avx512FP16, ["avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_fp16"]),
    (.avxVNNI, ["avx2", "fma", "f16c", "avx_vnni"]),
  ])
  func `a capability is present where the kernel lists its flags`(
    capability: Capability, flags: [String]
  ) throws {
    let text = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
    let line = text.split(separator: "\n").first { $0.hasPrefix("flags") } ?? ""
    let listed = Set(line.split(separator: " ").map(String.init))
    #expect(capability.isPresent == flags.allSatisfy(listed.contains))
  }

  @Test func `names in suites have hyphens`() {
    #expect(
      Capability.allCases.map(\.rawValue) == [
        "avx2", "avx512", "avx512-vnni", "avx512-bf16", "avx512-fp16", "avx-vnni",
      ])
  }
}

struct HashTests {
  /// `fmix32` of MurmurHash3 in Python integers; 0x514E28B7 is its well-known value of 1.
  @Test(
    arguments: [
      (0, 0, 0), (1, 0, 0x514E_28B7), (0, 1, 0x92CA_2F0E), (42, 7, 0x21A2_7BDB),
      (0xFFFF_FFFF, 0xFFFF_FFFF, 0x3B66_B2AA),
    ] as [(UInt32, UInt32, UInt32)])
  func `a seed and an index give the finalizer's bits`(seed: UInt32, index: UInt32, bits: UInt32) {
    #expect(hash32(seed, index) == bits)
  }

  @Test func `indices of one seed do not collide`() {
    // The finalizer is a bijection and the multiplier odd, so no two of 2³² indices may.
    #expect(Set((0..<UInt32(10000)).map { hash32(9, $0) }).count == 10000)
  }
}
