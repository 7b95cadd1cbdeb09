import CMicrokernels
package import Quantities

/// Rotary position embedding: each pair of a head's numbers turned by its token's position.
///
///     y[t, i] = x[t, i] · cos(t · θᵢ) − x[t, j] · sin(t · θᵢ),  y[t, j] = x[t, i] · sin + x[t, j] · cos
///
/// - Shapes: `x` and `y` are batch × tokens × heads × head-dim in the problem's precision; head-dim is
///   even. Cosines and sines of all positions are made ahead, in fp32.
/// - Work: 6 flops a pair; reads `x` and the table once, writes `y` once.
/// - Error: two roundings of an angle's cosine or sine and of a product, one of the sum, and that of what
///   is stored.
/// - Source: Su et al., "RoFormer" (2021); the scalings' are with `RotaryScaling`.
package enum RotaryEmbedding: Workload {
  package struct Problem: Codable, Hashable, Sendable {
    package let batch: Int
    package let tokens: Int
    package let heads: Int
    package let headDim: Int
    package let rotary: RotaryAxes
    package let precision: FloatFormat

    package init(
      batch: Int, tokens: Int, heads: Int, headDim: Int, rotary: RotaryAxes = RotaryAxes(.neox),
      precision: FloatFormat = .fp32
    ) {
      self.batch = batch
      self.tokens = tokens
      self.heads = heads
      self.headDim = headDim
      self.rotary = rotary
      self.precision = precision
    }

    var angles: RotaryAngles { rotary.angles(headDim: headDim) }
    var table: Bytes { RotaryTable.bytes(positions: tokens, headDim: headDim) }
    var count: Int { batch * tokens * heads * headDim }
  }

  package struct Operands: OperandSet {
    package let x: Tensor
    package let y: Tensor

    package var operands: [Operand] { [Operand("x", x, .input), Operand("y", y, .output)] }
  }

  package static let name = "rope"
  package static let about = "rotary position embedding: pairs of a head turned by their position"
  package static let smallest = Problem(
    batch: 2, tokens: 5, heads: 3, headDim: 18, precision: .fp32)
  package static let defaults = ["batch": "1", "precision": "fp32"]
    .with(RotaryAxes.defaults(.neox))

  package static func validate(_ problem: Problem) throws {
    guard problem.headDim.isMultiple(of: 2) else {
      throw ProblemFault(
        axis: "head-dim", what: "pairs are turned, and head-dim is \(problem.headDim)",
        fix: "use an even head-dim")
    }
    guard problem.rotary.rope != .none else {
      throw ProblemFault(
        axis: "rope", what: "there is nothing to turn", fix: "use llama or neox")
    }
  }

  package static func magnitude(of problem: Problem) -> Double {
    64 * product(problem.batch, problem.tokens, problem.heads, problem.headDim)
  }

  package static func work(of problem: Problem) -> Work {
    let bytes = problem.precision.bytes(of: problem.count)
    return Work(
      flops: 3 * problem.count, bytesRead: bytes + problem.table, bytesWritten: bytes, format: .fp32
    )
  }

  package static func operands(
    for problem: Problem, seed: UInt64, in ledger: MemoryLedger
  ) throws -> Operands {
    let shape = [problem.batch, problem.tokens, problem.heads, problem.headDim]
    let element = problem.precision.elementType
    let x = try ledger.tensor(element, shape, .activations)
    x.fillUniform(seed: seed)
    return Operands(x: x, y: try ledger.tensor(element, shape, .activations))
  }

  package static func tolerance(of problem: Problem) -> Tolerance {
    let precision = problem.precision
    return precision == .fp32
      ? .sum(roundings: 5)
      : Tolerance(
        relative: precision.rounding + 5 * 0x1p-24,
        basis: "a rounding to \(precision.rawValue), 5 of 2^-24")
  }

  package static func expectation(
    of problem: Problem, _ operands: Operands, at sample: OutputSample
  ) -> Expectation {
    let angles = problem.angles
    var (values, magnitudes, allowances) = ([Double](), [Double](), [Double]())
    for row in sample.rows {
      let position = row / problem.heads % problem.tokens
      let start = row * problem.headDim
      let x = operands.x.doubles(start..<start + problem.headDim)
      let turned = angles.turned(x, layout: problem.rotary.rope, position: position)
      let (cosines, sines) = angles.turn(at: position)
      // Of each number, the terms' magnitudes: by its pair.
      var terms = x
      for pair in cosines.indices {
        let (one, other) = problem.rotary.rope.places(of: pair, headDim: problem.headDim)
        let (a, b) = (abs(x[one]), abs(x[other]))
        terms[one] = a * abs(cosines[pair]) + b * abs(sines[pair])
        terms[other] = a * abs(sines[pair]) + b * abs(cosines[pair])
      }
      for column in sample.columns {
        values.append(turned[column])
        magnitudes.append(terms[column])
        // fp16 keeps no more than 24 bits after the point.
        allowances.append(problem.precision == .fp16 ? 0x1p-25 : 0)
      }
    }
    return Expectation(values: values, magnitudes: magnitudes, allowances: allowances)
  }

  /// By how much each pair turns from one position to the next, in radians, and what lengths are
  /// multiplied by.
  package static func angles(headDim: Int, base: Int, scaling: RotaryScaling) -> (
    steps: [Double], magnitude: Double
  ) {
    let angles = RotaryAngles(headDim: headDim, base: base, scaling: scaling)
    return (angles.steps, angles.magnitude)
  }

  // MARK: Variants

  package static var variants: [Variant<RotaryEmbedding>] {
    [.reference()]
      + InstructionSet.having(.rope).map { set in
        Variant(name: set.rawValue, requirements: set.requirements) {
          problem, operands, execution in
          try TurningKernel(
            problem: problem, operands: operands, turn: set.rope(problem.precision),
            execution: execution)
        }
      }
  }

  package static func memory(
    of problem: Problem, variant: Variant<RotaryEmbedding>, threads: Int
  ) -> MemoryPlan {
    let held: [MemoryRole: Bytes] = [.activations: problem.precision.bytes(of: problem.count) * 2]
    var running = held
    if variant.kind != .reference { running[.workspace] = problem.table }
    return MemoryPlan([.operands: held, .preparation: running, .run: running])
  }

  private final class TurningKernel: Kernel, ParallelTask {
    private let problem: Problem
    private let operands: Operands
    private let table: RotaryTable
    private let pool: ThreadPool

    init(
      problem: Problem, operands: Operands, turn: @escaping hr_rope, execution: Execution
    ) throws {
      self.problem = problem
      self.operands = operands
      pool = execution.pool
      table = try RotaryTable(
        angles: problem.angles, layout: problem.rotary.rope, positions: 0..<problem.tokens,
        turn: turn, in: execution.ledger)
    }

    private init(_ other: TurningKernel, operands: Operands) {
      (problem, table, pool) = (other.problem, other.table, other.pool)
      self.operands = operands
    }

    func copy(in ledger: MemoryLedger) throws -> (any Kernel)? {
      TurningKernel(
        self,
        operands: Operands(
          x: try ledger.copy(of: operands.x, role: .activations),
          y: try ledger.copy(of: operands.y, role: .activations)))
    }

    func run() { pool.run(self) }

    func run(part: Int, of parts: Int) {
      let bytes = problem.precision.bytes(of: problem.headDim).count
      for row in split(operands.x.rows, part: part, of: parts) {
        table.turn(
          operands.x.start + row * bytes, at: row / problem.heads % problem.tokens,
          to: operands.y.start + row * bytes)
      }
    }
  }
}
