import Kernels
import Quantities

/// Numbers that are dropped by chance, the others made larger by as much; which they are follows from the step,
/// the micro-batch, the stream and the place alone, so that the same are dropped when something is computed
/// again.
struct Dropout {
  let share: Float
  let seed: UInt32
  let pool: ThreadPool

  private func stream(_ stream: UInt32, _ state: StepState) -> UInt32 {
    mixed(stream, step: state.calls, microBatch: state.microBatch)
  }

  private func mixed(_ stream: UInt32, step: Int, microBatch: Int) -> UInt32 {
    hash32(hash32(seed &+ stream, UInt32(step)), UInt32(microBatch))
  }

  /// Whether the number at a place is left.
  func keeps(_ index: Int, stream: UInt32, step: Int, microBatch: Int) -> Bool {
    hash32(mixed(stream, step: step, microBatch: microBatch), UInt32(truncatingIfNeeded: index))
      >= limit
  }

  /// Of 2³² draws, how many drop a number.
  private var limit: UInt32 { UInt32(Double(share) * 4_294_967_296) }
  private var factor: Float { 1 / (1 - share) }

  func drop(
    _ x: Tensor, count: Int, stream: UInt32, _ state: StepState,
    to y: UnsafeMutablePointer<Float>
  ) {
    let (mixed, limit, factor) = (self.stream(stream, state), limit, factor)
    pool.share(count, grain: 64, least: 4096) { own, _ in
      for index in own {
        y[index] = hash32(mixed, UInt32(truncatingIfNeeded: index)) < limit ? 0 : x[index] * factor
      }
    }
  }

  /// Adds what was not dropped, and so comes back.
  func addKept(
    _ dy: UnsafePointer<Float>, count: Int, stream: UInt32, _ state: StepState,
    to dx: UnsafeMutablePointer<Float>
  ) {
    let (mixed, limit, factor) = (self.stream(stream, state), limit, factor)
    pool.share(count, grain: 64, least: 4096) { own, _ in
      for index in own where hash32(mixed, UInt32(truncatingIfNeeded: index)) >= limit {
        dx[index] += dy[index] * factor
      }
    }
  }

  func scale(_ x: UnsafeMutablePointer<Float>, by factor: Float, count: Int) {
    pool.share(count, grain: 64, least: 1 << 16) { own, _ in
      for index in own { x[index] *= factor }
    }
  }
}
