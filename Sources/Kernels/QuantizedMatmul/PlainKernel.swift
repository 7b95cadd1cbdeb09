import CMicrokernels
import Quantities

extension QuantizedMatmul {
  /// In plain Swift, for every processor and format: each row of weights dequantized, then
  /// multiplied in fp32; or in fp64, as the reference.
  final class PlainKernel: Kernel, ParallelTask {
    private let problem: Problem
    private let operands: Operands
    private let pool: ThreadPool
    private let isReference: Bool
    /// Activations as they are multiplied: rounded, where the problem says so.
    private let activations: Allocation?
    private let rows: Allocation

    init(problem: Problem, operands: Operands, isReference: Bool, execution: Execution) throws {
      self.problem = problem
      self.operands = operands
      self.isReference = isReference
      pool = execution.pool
      activations =
        problem.roundsActivations && !isReference
        ? try execution.ledger.allocate(operands.a.bytes, role: .workspace) : nil
      rows = try execution.ledger.allocate(
        ElementType.fp32.bytes(of: problem.k) * pool.threads, role: .workspace)
    }

    static func workspace(_ problem: Problem, isReference: Bool, threads: Int) -> Bytes {
      ElementType.fp32.bytes(of: problem.k) * threads
        + (problem.roundsActivations && !isReference
          ? ElementType.fp32.bytes(of: problem.m * problem.k) : .zero)
    }

    func run() {
      if let activations { round(into: activations.start.assumingMemoryBound(to: Float.self)) }
      pool.run(self)
    }

    func run(part: Int, of parts: Int) {
      let k = problem.k
      let row = rows.start.assumingMemoryBound(to: Float.self) + part * k
      let a =
        activations?.start.assumingMemoryBound(to: Float.self)
        ?? operands.a.pointer(to: Float.self)
      let c = operands.c.pointer(to: Float.self)
      let weights = problem.weightFormat.weights(
        at: operands.b.start, rows: problem.n, columns: k)
      for output in split(problem.n, part: part, of: parts) {
        if let weights {
          weights.dequantize(row: output, into: row)
        } else {
          for index in 0..<k { row[index] = operands.b[output * k + index] }
        }
        for index in 0..<problem.m {
          c[index * problem.n + output] =
            isReference
            ? exact(a + index * k, row, count: k) : quick(a + index * k, row, count: k)
        }
      }
    }

    private func exact(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int) -> Float {
      var sum = 0.0
      for index in 0..<count { sum += Double(a[index]) * Double(b[index]) }
      return Float(sum)
    }

    private func quick(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int) -> Float {
      var sums = SIMD8<Float>.zero
      let whole = count / 8 * 8
      for index in stride(from: 0, to: whole, by: 8) {
        sums += SIMD8(loading: a + index) * SIMD8(loading: b + index)
      }
      var sum = sums.sum()
      for index in whole..<count { sum += a[index] * b[index] }
      return sum
    }

    /// To whole multiples of 1/127 of the largest of each block of a row, and back.
    private func round(into rounded: UnsafeMutablePointer<Float>) {
      let a = operands.a.pointer(to: Float.self)
      for row in 0..<problem.m {
        let block = problem.weightFormat.activationBlock
        for start in stride(from: 0, to: problem.k, by: block) {
          let range = row * problem.k + start..<row * problem.k + min(problem.k, start + block)
          let most = range.reduce(Float(0)) { max($0, abs(a[$1])) }
          let counts = most >= 0x1p-118
          let (factor, step) = counts ? (127 / most, most / 127) : (0, 0)
          for index in range {
            rounded[index] = (a[index] * factor).rounded(.toNearestOrEven) * step
          }
        }
      }
    }
  }
}
