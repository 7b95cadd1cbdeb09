import CMicrokernels

/// What a layer does to each row between its products: norms, activations, sums. A few rows are done where
/// they are asked for: waking threads would take longer.
///
/// - Shapes: matrices are rows × columns in fp32, row-major, contiguous; a gain is columns.
/// - Work: 4 flops a number for a norm, of which `x` is read twice; 1 for a sum.
/// - Error: sums of squares in fp32, in whatever order; exponentials within 2 ulp.
/// - Source: Zhang and Sennrich, "Root Mean Square Layer Normalization" (2019), equation 4; Shazeer, "GLU
///   Variants Improve Transformer" (2020); Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016), with
///   the hyperbolic tangent.
package final class RowOperations: ParallelTask {
  private let epsilon: Float
  private let loops: hr_layer_loops
  private let pool: ThreadPool
  private var work = Work.none
  private var rows = 0
  private var columns = 0

  private typealias Input = UnsafePointer<Float>
  private typealias Output = UnsafeMutablePointer<Float>

  private enum Work {
    case none
    case norm(Input, gain: Input, to: Output)
    case addAndNorm(Input, sum: Output, gain: Input, to: Output)
    case swiglu(gate: Input, up: Output)
    case gelu(Output)
    case add(Input, to: Output)
  }

  /// - Parameter epsilon: is added to a row's mean square before its root is taken.
  package init(epsilon: Float, instructions: InstructionSet, pool: ThreadPool) {
    self.epsilon = epsilon
    loops = instructions.layers()
    self.pool = pool
  }

  /// `y = x · gain / √(Σ x² / columns + epsilon)`, row by row.
  package func norm(
    _ x: UnsafePointer<Float>, gain: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>,
    rows: Int, columns: Int
  ) {
    start(.norm(x, gain: gain, to: y), rows, columns)
  }

  /// `sum += x`, and then the norm of the sum.
  package func addAndNorm(
    _ x: UnsafePointer<Float>, to sum: UnsafeMutablePointer<Float>, gain: UnsafePointer<Float>,
    into y: UnsafeMutablePointer<Float>, rows: Int, columns: Int
  ) {
    start(.addAndNorm(x, sum: sum, gain: gain, to: y), rows, columns)
  }

  /// `up = silu(gate) · up`, number by number.
  package func swiglu(
    gate: UnsafePointer<Float>, _ up: UnsafeMutablePointer<Float>, rows: Int, columns: Int
  ) {
    start(.swiglu(gate: gate, up: up), rows, columns)
  }

  /// `x = ½ x (1 + tanh(√(2/π) (x + 0.044715 x³)))`, number by number.
  package func gelu(_ x: UnsafeMutablePointer<Float>, rows: Int, columns: Int) {
    start(.gelu(x), rows, columns)
  }

  /// `sum += x`, number by number.
  package func add(
    _ x: UnsafePointer<Float>, to sum: UnsafeMutablePointer<Float>, rows: Int, columns: Int
  ) {
    start(.add(x, to: sum), rows, columns)
  }

  private func start(_ work: Work, _ rows: Int, _ columns: Int) {
    self.work = work
    self.rows = rows
    self.columns = columns
    if rows < 2 * pool.threads { run(part: 0, of: 1) } else { pool.run(self) }
  }

  package func run(part: Int, of parts: Int) {
    let own = split(rows, part: part, of: parts)
    let (start, count) = (own.lowerBound * columns, Int64(own.count * columns))
    switch work {
    case .none: break
    case .norm(let x, let gain, let y):
      for row in own { norm(x + row * columns, gain, y + row * columns) }
    case .addAndNorm(let x, let sum, let gain, let y):
      for row in own {
        loops.add_to(x + row * columns, Int64(columns), sum + row * columns)
        norm(sum + row * columns, gain, y + row * columns)
      }
    case .swiglu(let gate, let up): loops.swiglu(gate + start, up + start, count, up + start)
    case .gelu(let x): loops.gelu(x + start, count, x + start)
    case .add(let x, let sum): loops.add_to(x + start, count, sum + start)
    }
  }

  private func norm(
    _ x: UnsafePointer<Float>, _ gain: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
  ) {
    loops.norm(x, gain, Int64(columns), epsilon, y)
  }
}
