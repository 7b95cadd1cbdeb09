import Kernels
import Quantities
import Workloads

/// What a sum of numbers times weights changes by, as one number of what it is computed from does: from two values
/// of it, a little to either side.
///
/// - Parameters:
///   - step: a power of two, so that an fp32 number of about 1 moves by it without rounding.
///   - sum: in fp64, from operands of which `tensor` is one.
func centralDifference(
  _ tensor: Tensor, at index: Int, step: Float = 0x1p-10, _ sum: () throws -> Double
) rethrows -> Double {
  let held = tensor[index]
  defer { tensor.store(held, at: index) }
  tensor.store(held + step, at: index)
  let (above, from) = (try sum(), tensor[index])
  tensor.store(held - step, at: index)
  let (below, to) = (try sum(), tensor[index])
  return (above - below) / Double(from - to)
}

extension Workload {
  /// All results as the workload expects them.
  static func expected(of problem: Problem, _ operands: Operands) throws -> [Double] {
    guard let output = operands.operands.first(where: { $0.access == .output })?.tensor else {
      throw CancellationError()
    }
    let all = OutputSample(
      rows: output.rows, columns: output.columns, flopsPerResult: 1, flopBudget: .max,
      countBudget: .max, seed: 0)
    return expectation(of: problem, operands, at: all).values
  }
}

/// Σ left · right.
func product(_ left: [Double], _ right: Tensor) -> Double {
  left.enumerated().reduce(0) { $0 + $1.element * Double(right[$1.offset]) }
}
