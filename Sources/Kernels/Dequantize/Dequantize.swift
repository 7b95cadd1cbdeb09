import CMicrokernels
import Quantities

/// Weights in a format back to fp32.
///
/// - Shapes: `weights` is n × k as the format has it, `values` n × k, row-major, fp32.
/// - Work: a product for each weight; reads the weights once, writes 4 bytes for each.
/// - Error: none: each product and sum is rounded once, as the format's definition has it.
package struct Dequantize: Hashable, Sendable {
  package let n: Int
  package let k: Int
  package let format: WeightFormat
  package let instructions: InstructionSet

  /// Takes the shape as it is: `k` must be a multiple of the format's block length.
  package init(n: Int, k: Int, format: WeightFormat, instructions: InstructionSet) {
    self.n = n
    self.k = k
    self.format = format
    self.instructions = instructions
  }

  /// Makes the kernel that brings `weights`, n × k in the format, back to `values`, n × k in fp32. It needs
  /// no workspace.
  package func kernel(weights: Tensor, values: Tensor, _ execution: Execution) -> any Kernel {
    DequantizeKernel(self, weights: weights, values: values, pool: execution.pool)
  }

  /// Brings some rows back to fp32, at once: `values` holds no more than them.
  package func rows(
    _ chunk: Range<Int>, of weights: Tensor, to values: Tensor, _ pool: ThreadPool
  ) {
    guard let matrix = format.weights(at: weights.start, rows: n, columns: k) else { return }
    let loops = DequantizeLoops(instructions)
    // Rows are stored where all of them would have theirs.
    let start = values.pointer(to: Float.self) - chunk.lowerBound * k
    pool.share(chunk.count, grain: 16) { own, _ in
      let rows = chunk.lowerBound + own.lowerBound..<chunk.lowerBound + own.upperBound
      if let loops, matrix.dequantize(rows: rows, into: start, loops, nonTemporal: false) { return }
      for row in rows { matrix.dequantize(row: row, into: start + row * k) }
    }
  }
}

/// Each part its own rows.
private final class DequantizeKernel: Kernel, ParallelTask {
  private let operation: Dequantize
  private let weights: Tensor
  private let values: Tensor
  private let loops: DequantizeLoops?
  private let pool: ThreadPool
  /// Whether the output is stored around the caches: it is larger than all that could keep it.
  private let nonTemporal: Bool

  init(_ operation: Dequantize, weights: Tensor, values: Tensor, pool: ThreadPool) {
    self.operation = operation
    self.weights = weights
    self.values = values
    self.pool = pool
    loops = DequantizeLoops(operation.instructions)
    nonTemporal =
      operation.k % (cacheLine / 4) == 0
      && values.bytes > CacheSizes.current.l2 * (2 * pool.threads)
  }

  func copy(in ledger: MemoryLedger) throws -> (any Kernel)? {
    DequantizeKernel(
      operation, weights: try ledger.copy(of: weights, role: .weights),
      values: try ledger.copy(of: values, role: .activations), pool: pool)
  }

  func run() { pool.run(self) }

  /// Sixteen outputs fill the widest vector; AWQ's words hold eight.
  private func grain(parts: Int) -> Int {
    let share = min(16, max(1, operation.n / parts))
    return operation.format.packing == .awq ? roundUp(share, to: 8) : share
  }

  func run(part: Int, of parts: Int) {
    let (n, k) = (operation.n, operation.k)
    let rows = split(n, part: part, of: parts, grain: grain(parts: parts))
    let values = values.pointer(to: Float.self)
    guard let matrix = operation.format.weights(at: weights.start, rows: n, columns: k) else {
      return widen(rows, values)
    }
    if let loops, matrix.dequantize(rows: rows, into: values, loops, nonTemporal: nonTemporal) {
      return
    }
    for row in rows { matrix.dequantize(row: row, into: values + row * k) }
  }

  /// Plain numbers.
  private func widen(_ rows: Range<Int>, _ values: UnsafeMutablePointer<Float>) {
    for index in rows.lowerBound * operation.k..<rows.upperBound * operation.k {
      values[index] = weights[index]
    }
  }
}

/// Bytes of a line of every cache of the processors that kernels are written for.
private let cacheLine = 64
