import CMicrokernels
import Glibc
import Quantities

/// Softmax of a square of causal scores that is held in memory, row by row, and the way back.
///
///     p[t, s] = e^(scale · score[t, s]) / Σ e^(scale · score[t, ·]) over s ≤ t, and 0 beyond
///     dscore = scale · p ∘ (dp − Σ p ∘ dp)
///
/// - Shapes: tokens × tokens in fp32, contiguous.
/// - Work: an exponential and 4 flops a pair forward, 5 backward.
/// - Error: as of softmax in fp32.
package struct SoftmaxRows {
  private let loops: hr_training_loops
  private let pool: ThreadPool

  package init(instructions: InstructionSet, pool: ThreadPool) {
    loops = instructions.training(.fp32)
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
    _ weights: UnsafePointer<Float>, _ gradient: UnsafeMutablePointer<Float>, tokens: Int,
    scale: Float
  ) {
    pool.share(tokens) { own, _ in
      for token in own {
        let (p, d) = (weights + token * tokens, gradient + token * tokens)
        let mean = loops.dot(p, d, Int64(token + 1))
        for key in 0...token { d[key] = scale * p[key] * (d[key] - mean) }
        (d + token + 1).update(repeating: 0, count: tokens - token - 1)
      }
    }
  }
}
