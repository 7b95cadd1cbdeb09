import Kernels
import Quantities

/// The largest distance of numbers from those that are expected, relative to the largest of these; infinite where
/// there are more or fewer of them, or one is none.
///
/// - Parameter least: what it is relative to where all are smaller.
func distance(
  _ found: some Collection<Double>, from expected: some Collection<Double>, least: Double = 0
) -> Double {
  guard found.count == expected.count else { return .infinity }
  let largest = expected.reduce(least) { max($0, abs($1)) }
  let most = zip(found, expected).reduce(0) { most, pair in
    let distance = abs(pair.0 - pair.1)
    return distance.isNaN ? .infinity : max(most, distance)
  }
  return most == 0 ? 0 : most / largest
}

extension Tensor {
  /// All numbers in fp64.
  var doubles: [Double] { doubles(0..<count) }
  var floats: UnsafeMutablePointer<Float> { pointer(to: Float.self) }
}

extension MemoryLedger {
  /// Uniform numbers of [−1, 1), the same for the same seed.
  func drawn(_ shape: [Int], _ element: ElementType = .fp32, seed: UInt64) throws -> Tensor {
    let tensor = try tensor(element, shape, .activations)
    tensor.fillUniform(seed: seed)
    return tensor
  }
}

extension InstructionSet {
  /// Those of this machine that have loops of their own for training, the portable one first.
  static let trained = having(.training).filter { $0.missing == nil }
}

/// As many threads as are asked for, on the processors that there are.
func makePool(threads: Int = 1) throws -> ThreadPool {
  let cpus = ThreadPool.allowedCPUs
  return try ThreadPool(
    threads: threads, cpus: (0..<threads).map { cpus[$0 % cpus.count] })
}
