import CMicrokernels
package import Quantities

/// Numbers in fp32 that become activations as they are stored, with what goes around added to them.
///
/// - Work: reads 4 bytes a number and what goes around, writes the stored ones.
/// - Error: the sum is rounded once, to what is stored.
package struct Narrowing {
  package let activations: FloatFormat
  private let loops: hr_training_loops
  private let pool: ThreadPool

  package init(_ activations: FloatFormat, instructions: InstructionSet, pool: ThreadPool) {
    self.activations = activations
    loops = instructions.training(activations)
    self.pool = pool
  }

  /// Whether there is nothing to make narrower: what writes fp32 may write what is kept.
  package var isWide: Bool { activations == .fp32 }

  /// - Parameter around: as stored; nothing is added where it is left out.
  package func run(
    _ from: UnsafePointer<Float>, around: UnsafeRawPointer? = nil, count: Int,
    to: UnsafeMutableRawPointer
  ) {
    pool.share(count, grain: 64, least: 4096) { own, _ in
      let at = activations.bytes(of: own.lowerBound).count
      loops.narrow(from + own.lowerBound, around.map { $0 + at }, Int64(own.count), to + at)
    }
  }
}
