import CMicrokernels
package import Quantities

/// Scales each row to unit root mean square, then by a learned gain; and the way back.
///
///     y[r, c] = x[r, c] · inverse[r] · gain[c],  inverse[r] = 1 / √(Σ x[r, ·]² / columns + ε)
///     dx = inverse · (gain ∘ dy − x · inverse² · Σ (gain ∘ dy ∘ x) / columns),  dgain[c] = Σ dy · x · inverse
///
/// - Shapes: `x` and `y` are rows × columns as activations are stored, `gain` and `dgain` columns, `inverse`
///   rows, `dy` and `dx` rows × columns, all of these in fp32; row-major, contiguous.
/// - Work: forward 4 flops a number, backward 10; `x` is read twice each way.
/// - Error: two orders of summing in fp32 differ by at most (columns + 10) · 2⁻²⁴, relative.
/// - Source: Zhang and Sennrich, "Root Mean Square Layer Normalization" (2019), equation 4.
package struct RootMeanSquareNorm {
  package let columns: Int
  package let epsilon: Float
  package let activations: FloatFormat
  private let loops: hr_training_loops
  private let pool: ThreadPool

  /// - Parameter epsilon: is added to a row's mean square before its root is taken.
  package init(
    columns: Int, epsilon: Float, activations: FloatFormat = .fp32, instructions: InstructionSet,
    pool: ThreadPool
  ) {
    self.columns = columns
    self.epsilon = epsilon
    self.activations = activations
    loops = instructions.training(activations)
    self.pool = pool
  }

  /// Writes `y` and each row's `inverse`, which the way back needs.
  package func forward(
    _ x: UnsafeRawPointer, gain: UnsafePointer<Float>, rows: Int, to y: UnsafeMutableRawPointer,
    inverse: UnsafeMutablePointer<Float>
  ) {
    let bytes = activations.bytes(of: columns).count
    pool.share(rows) { own, _ in
      for row in own {
        inverse[row] = loops.norm(
          x + row * bytes, gain, Int64(columns), epsilon, y + row * bytes)
      }
    }
  }

  /// Writes `dx`, or adds to it.
  package func backward(
    _ x: UnsafeRawPointer, gain: UnsafePointer<Float>, inverse: UnsafePointer<Float>,
    dy: UnsafePointer<Float>, rows: Int, to dx: UnsafeMutablePointer<Float>, accumulates: Bool
  ) {
    let bytes = activations.bytes(of: columns).count
    pool.share(rows) { own, _ in
      for row in own {
        loops.norm_backward(
          x + row * bytes, gain, inverse[row], dy + row * columns, Int64(columns),
          accumulates ? 1 : 0, dx + row * columns)
      }
    }
  }

  /// Writes the gain's gradient, or adds to it: each thread has columns of its own, and goes through all rows
  /// in their order.
  package func gainGradient(
    _ x: UnsafeRawPointer, inverse: UnsafePointer<Float>, dy: UnsafePointer<Float>, rows: Int,
    to dgain: UnsafeMutablePointer<Float>, accumulates: Bool
  ) {
    pool.share(columns, grain: 16, least: 32) { own, _ in
      if !accumulates { (dgain + own.lowerBound).update(repeating: 0, count: own.count) }
      loops.norm_gain(
        x + activations.bytes(of: own.lowerBound).count, inverse, dy + own.lowerBound,
        Int64(rows), Int64(columns), Int64(own.count), dgain + own.lowerBound)
    }
  }
}
