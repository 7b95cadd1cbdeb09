import CMicrokernels
package import Quantities

/// Rotary position embedding: each pair of a head's numbers rotated by its token's position.
///
///     y[t, i] = x[t, i] · cos(t · θᵢ) − x[t, j] · sin(t · θᵢ),  y[t, j] = x[t, i] · sin + x[t, j] · cos
///
/// - Shapes: `x` and `y` are batch × tokens × heads × head-dim in the precision; head-dim is even. Cosines
///   and sines of all positions are made ahead, in fp32.
/// - Work: 6 flops a pair; reads `x` and the table once, writes `y` once.
/// - Error: two roundings of an angle's cosine or sine and of a product, one of the sum, and that of what
///   is stored.
/// - Source: Su et al., "RoFormer" (2021); the scalings' are with `RotaryScaling`.
package struct RotaryEmbedding: Hashable, Sendable {
  package let tokens: Int
  package let heads: Int
  package let headDim: Int
  package let rotary: Rotary
  package let precision: FloatFormat
  package let instructions: InstructionSet

  /// Takes the shape as it is; the batch follows from the tensors that a kernel is given.
  package init(
    tokens: Int, heads: Int, headDim: Int, rotary: Rotary, precision: FloatFormat,
    instructions: InstructionSet
  ) {
    self.tokens = tokens
    self.heads = heads
    self.headDim = headDim
    self.rotary = rotary
    self.precision = precision
    self.instructions = instructions
  }

  /// Makes the kernel that rotates `x` into `y`, both batch × tokens × heads × head-dim in the precision.
  ///
  /// - Throws: `LedgerFault` where the table does not fit.
  package func kernel(x: Tensor, y: Tensor, _ execution: Execution) throws -> any Kernel {
    let table = try RotaryTable(
      rotary, headDim: headDim, positions: 0..<tokens, loop: instructions.rope(precision),
      in: execution.ledger)
    return RotaryKernel(self, x: x, y: y, table: table, pool: execution.pool)
  }
}

private final class RotaryKernel: Kernel, ParallelTask {
  private let operation: RotaryEmbedding
  private let x: Tensor
  private let y: Tensor
  private let table: RotaryTable
  private let pool: ThreadPool

  init(_ operation: RotaryEmbedding, x: Tensor, y: Tensor, table: RotaryTable, pool: ThreadPool) {
    self.operation = operation
    self.x = x
    self.y = y
    self.table = table
    self.pool = pool
  }

  func copy(in ledger: MemoryLedger) throws -> (any Kernel)? {
    RotaryKernel(
      operation, x: try ledger.copy(of: x, role: .activations),
      y: try ledger.copy(of: y, role: .activations), table: table, pool: pool)
  }

  func run() { pool.run(self) }

  func run(part: Int, of parts: Int) {
    let bytes = operation.precision.bytes(of: operation.headDim).count
    for row in split(x.rows, part: part, of: parts) {
      table.rotate(
        x.start + row * bytes, at: row / operation.heads % operation.tokens,
        to: y.start + row * bytes)
    }
  }
}
