import Kernels
import Workloads
import Quantities
import TestSupport
import Testing

@Suite struct RotaryEmbeddingTests {
  private static let threads = Array(1...min(2, ThreadPool.allowedCPUs.count))
  private static let scalings: [RotaryScaling] = [
    .none, .linear(4), .ntk(4), .yarn(4), .llama3(8),
  ]

  @Test(arguments: [RotaryLayout.llama, .neox], FloatFormat.allCases)
  func `it holds on its smallest problem and beside it`(
    rope: RotaryLayout, precision: FloatFormat
  ) throws {
    let conformance = Conformance<RotaryWorkload>()
    let problem = RotaryWorkload.Problem(
      batch: 2, tokens: 5, heads: 3, headDim: 18, rotary: RotaryAxes(rope), precision: precision)
    #expect(
      try conformance.failures(of: conformance.neighbours(of: problem), threads: Self.threads)
        == [])
    #expect(try conformance.workFailures(of: problem) == [])
  }

  @Test(arguments: scalings, [64, 80, 128])
  func `it holds for each scaling`(scaling: RotaryScaling, headDim: Int) throws {
    let problem = RotaryWorkload.Problem(
      batch: 1, tokens: 70, heads: 2, headDim: headDim,
      rotary: RotaryAxes(.neox, base: 500_000, scaling: scaling))
    #expect(
      try Conformance<RotaryWorkload>().failures(of: [problem], threads: [1]) == [])
  }

  /// What transformers 5.23 (`ROPE_INIT_FUNCTIONS`, `inv_freq`) has for head-dim 128 and pair 0, 30, 40
  /// and 63, and its factor of attention: see `rope-golden.py`.
  @Test(arguments: goldens)
  func `angles are those of another implementation`(golden: Golden) throws {
    let angles = RotaryAngles(
      headDim: 128, base: golden.base, scaling: golden.scaling)
    for (pair, angle) in zip([0, 30, 40, 63], golden.angles) {
      #expect(abs(angles.frequencies[pair] - angle) <= abs(angle) * 1e-5, "pair \(pair)")
    }
    #expect(abs(angles.attentionFactor - golden.attentionFactor) < 1e-6)
  }

  private static let goldens = [
    Golden(
      scaling: .linear(4), base: 10000, angles: [0.25, 0.0033338037, 0.00079056947, 2.8869548e-05],
      attentionFactor: 1),
    Golden(
      scaling: .ntk(4), base: 10000, angles: [1, 0.0068913572, 0.0013114137, 2.8869552e-05],
      attentionFactor: 1),
    Golden(
      scaling: .yarn(4), base: 10000, angles: [1, 0.0094885174, 0.0013378868, 2.8869548e-05],
      attentionFactor: 1.1386294),
    Golden(
      scaling: .yarn(16), base: 500000, angles: [1, 0.00035518658, 1.7140512e-05, 1.5344629e-07],
      attentionFactor: 1.2772589),
    Golden(
      scaling: .llama3(8), base: 500000, angles: [1, 0.0013718937, 3.4281024e-05, 3.0689259e-07],
      attentionFactor: 1),
  ]

  struct Golden: Sendable {
    let scaling: RotaryScaling
    let base: Int
    let angles: [Double]
    let attentionFactor: Double
  }
}
