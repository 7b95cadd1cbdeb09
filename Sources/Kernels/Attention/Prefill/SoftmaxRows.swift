import CMicrokernels
import Glibc
package import Quantities

/// Softmax of a square of causal scores that is held in memory, row by row, and the way back.
///
///     p[t, s] = e^(scale · score[t, s]) / Σ e^(scale · score[t, ·]) over s ≤ t, and 0 beyond
///     dscore = scale · p ∘ (dp − Σ p ∘ dp)
///
/// - Shapes: tokens × tokens, contiguous; the way back reads `p` as activations are stored, and all else is in
///   fp32.
/// - Work: an exponential and 4 flops a pair forward, 5 backward.
/// - Error: as of softmax in fp32.
package struct SoftmaxRows {
  private let activations: FloatFormat
  private let loops: hr_training_loops
  private let pool: ThreadPool

  package init(_ activations: FloatFormat, instructions: InstructionSet, pool: ThreadPool) {
    self.activations = activations
    loops = instructions.training(activations)
    self.pool = pool
  }

  /// Scores become weights, where they are.
  package func causal(_ scores: UnsafeMutablePointer<Float>, tokens: Int, scale: Float) {
    pool.share(tokens) { own, _ in
      for token in own {
        let (row, seen) = (scores + token * tokens, Int64(token + 1))
        var (largest, sum): (Float, Float) = (0, 0)
        loops.scale(row, scale, seen)
        loops.softmax_sums(row, seen, &largest, &sum)
        loops.softmax_scaled(row, seen, largest + logf(sum), 1)
        (row + token + 1).update(repeating: 0, count: tokens - token - 1)
      }
    }
  }

  /// Gradients of weights become those of scores, where they are.
  package func causalBackward(
    _ weights: UnsafeRawPointer, _ gradient: UnsafeMutablePointer<Float>, tokens: Int,
    scale: Float
  ) {
    pool.share(tokens) { own, _ in
      for token in own {
        let p = weights + activations.bytes(of: token * tokens).count
        let d = gradient + token * tokens
        let mean = loops.dot(p, d, Int64(token + 1))
        switch activations {
        case .fp32: slopes(StoredFP32.self, p, token + 1, scale: scale, mean: mean, d)
        case .fp16: slopes(StoredFP16.self, p, token + 1, scale: scale, mean: mean, d)
        case .bf16: slopes(StoredBF16.self, p, token + 1, scale: scale, mean: mean, d)
        }
        (d + token + 1).update(repeating: 0, count: tokens - token - 1)
      }
    }
  }
}

@inline(__always)
private func slopes<S: StoredElement>(
  _: S.Type, _ weights: UnsafeRawPointer, _ count: Int, scale: Float, mean: Float,
  _ d: UnsafeMutablePointer<Float>
) {
  let p = weights.assumingMemoryBound(to: S.Bits.self)
  for key in 0..<count { d[key] = scale * S.widen(p[key]) * (d[key] - mean) }
}
