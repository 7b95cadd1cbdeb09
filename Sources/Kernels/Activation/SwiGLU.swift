import CMicrokernels
package import Quantities

/// The gated unit of Llama's networks, number by number; and the way back.
///
///     y = silu(gate) · up,  silu(x) = x · σ(x)
///     dup = dy · silu(gate),  dgate = dy · up · σ(gate) · (1 + gate · (1 − σ(gate)))
///
/// - Shapes: all are equally long; `gate`, `up` and `y` as activations are stored, their gradients in fp32.
/// - Work: an exponential and 4 flops a number forward, 8 backward.
/// - Error: the sigmoid is within 4 ulp, and a result has as many roundings as flops.
/// - Source: Shazeer, "GLU Variants Improve Transformer" (2020).
package struct SwiGLU {
  package let activations: FloatFormat
  private let loops: hr_training_loops
  private let pool: ThreadPool

  package init(
    activations: FloatFormat = .fp32, instructions: InstructionSet, pool: ThreadPool
  ) {
    self.activations = activations
    loops = instructions.training(activations)
    self.pool = pool
  }

  /// Writes `y`.
  package func forward(
    gate: UnsafeRawPointer, up: UnsafeRawPointer, count: Int, to y: UnsafeMutableRawPointer
  ) {
    pool.share(count, grain: 64, least: 4096) { own, _ in
      let first = activations.bytes(of: own.lowerBound).count
      loops.swiglu(gate + first, up + first, Int64(own.count), y + first)
    }
  }

  /// Writes both gradients; `dup` may be `dy`.
  package func backward(
    gate: UnsafeRawPointer, up: UnsafeRawPointer, dy: UnsafePointer<Float>, count: Int,
    dgate: UnsafeMutablePointer<Float>, dup: UnsafeMutablePointer<Float>
  ) {
    pool.share(count, grain: 64, least: 4096) { own, _ in
      let (at, first) = (own.lowerBound, activations.bytes(of: own.lowerBound).count)
      loops.swiglu_backward(
        gate + first, up + first, dy + at, Int64(own.count), dgate + at, dup + at)
    }
  }
}
