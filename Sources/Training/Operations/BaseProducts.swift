import Kernels
import Quantities

/// Products with weights however they are stored: quantized ones are brought back to fp32 a few rows at a time.
final class BaseProducts {
  private let gemm: Gemm
  private let instructions: InstructionSet
  private let pool: ThreadPool
  private let activations: FloatFormat
  private let scratch: Tensor?

  /// Rows of weights that are brought back at once: 4 MiB of them.
  private static func chunk(_ weights: (rows: Int, columns: Int)) -> Int {
    max(1, min(weights.rows, (1 << 20) / weights.columns))
  }

  /// - Parameters:
  ///   - gemm: its workspace is for the products of whole weights, and of chunks.
  ///   - quantized: rows and columns of the weights that are.
  ///   - activations: weights are rounded to it on their way.
  init(
    _ gemm: Gemm, quantized: [(rows: Int, columns: Int)], activations: FloatFormat,
    instructions: InstructionSet, _ execution: Execution
  ) throws {
    self.gemm = gemm
    self.activations = activations
    self.instructions = instructions
    pool = execution.pool
    let floats = quantized.map { Self.chunk($0) * $0.columns }.max() ?? 0
    scratch = floats == 0 ? nil : try execution.ledger.tensor(.fp32, [floats], .workspace)
  }

  /// Products of a chunk: sums over its rows are shorter than over all.
  static func shapes(quantized: [(rows: Int, columns: Int)]) -> [Gemm.Shape] {
    quantized.map { Gemm.Shape(n: $0.columns, k: chunk($0)) }
  }

  /// y[rows, n] (+)= x[rows, k] · w[n, k]ᵀ.
  func forward(
    _ x: Gemm.Matrix, rows: Int, _ weights: Parameter, to y: UnsafeMutablePointer<Float>,
    accumulates: Bool
  ) {
    let (n, k) = (weights.rows, weights.columns)
    eachChunk(weights) { chunk, matrix in
      gemm.multiply(
        x, rows: rows, k: k,
        Gemm.Output(
          matrix, n: chunk.count, to: y + chunk.lowerBound, stride: n, accumulates: accumulates))
    }
  }

  /// dx[rows, k] (+)= dy[rows, n] · w[n, k].
  func backward(
    _ dy: Gemm.Matrix, rows: Int, _ weights: Parameter, to dx: UnsafeMutablePointer<Float>,
    accumulates: Bool
  ) {
    let k = weights.columns
    eachChunk(weights) { chunk, matrix in
      gemm.multiply(
        dy.columns(from: chunk.lowerBound), rows: rows, k: chunk.count,
        Gemm.Output(
          matrix.transposed, n: k, to: dx, accumulates: accumulates || chunk.lowerBound > 0))
    }
  }

  private func eachChunk(
    _ weights: Parameter, _ body: (_ rows: Range<Int>, _ matrix: Gemm.Matrix) -> Void
  ) {
    let (rows, columns) = (weights.rows, weights.columns)
    if let matrix = weights.matrix(roundedTo: activations) { return body(0..<rows, matrix) }
    guard let scratch else { return }
    let count = Self.chunk((rows, columns))
    for first in stride(from: 0, to: rows, by: count) {
      let chunk = first..<min(rows, first + count)
      Dequantize(n: rows, k: columns, format: weights.format, instructions: instructions).rows(
        chunk, of: weights.tensor, to: scratch, pool)
      body(chunk, Gemm.Matrix(scratch.start, stride: columns, element: .rounded(to: activations)))
    }
  }
}
