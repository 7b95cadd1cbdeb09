import CMicrokernels
import Quantities

/// The norm of gradients, and what clipping multiplies them by.
///
/// - Error: squares of blocks of 1024 numbers are summed in fp32, and those sums in fp64 in a fixed order.
package struct GradientNorm {
  private static let block = 1 << 14

  /// Adds a gradient's squares to a sum. The bits do not depend on the threads.
  ///
  /// - Parameter sums: room for as many numbers as `sums(of:)` says.
  package static func squares(
    _ gradient: UnsafePointer<Float>, count: Int, sums: UnsafeMutablePointer<Double>,
    instructions: InstructionSet, pool: ThreadPool
  ) -> Double {
    let loops = instructions.training(.fp32)
    let blocks = Self.sums(of: count)
    pool.share(blocks) { own, _ in
      for index in own {
        let from = index * block
        sums[index] = loops.squares(gradient + from, Int64(min(block, count - from)))
      }
    }
    return (0..<blocks).reduce(0) { $0 + sums[$1] }
  }

  /// Partial sums of a gradient so long.
  package static func sums(of count: Int) -> Int { (count + block - 1) / block }
}
