package import Kernels
package import Quantities

/// Rotary position embedding of all tokens' heads.
///
/// - Shapes, work, error and source: as of `RotaryEmbedding`.
package enum RotaryWorkload: Workload {
  /// Rotary embedding of a batch of prompts of one length.
  package struct Problem: Codable, Hashable, Sendable {
    package let batch: Int
    package let tokens: Int
    package let heads: Int
    package let headDim: Int
    package let rotary: RotaryAxes
    package let precision: FloatFormat

    /// Sizes are taken as they are: `validate` says whether they make a problem. What is left out is as in
    /// `defaults`.
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

    func operation(_ instructions: InstructionSet) -> RotaryEmbedding {
      RotaryEmbedding(
        tokens: tokens, heads: heads, headDim: headDim, rotary: rotary.rotary,
        precision: precision, instructions: instructions)
    }

    var table: Bytes { RotaryTable.bytes(positions: tokens, headDim: headDim) }
    var count: Int { batch * tokens * heads * headDim }
  }

  /// `x` and `y`, both batch × tokens × heads × head-dim in the precision.
  package struct Operands: OperandSet {
    package let x: Tensor
    package let y: Tensor

    package var operands: [Operand] { [Operand("x", x, .input), Operand("y", y, .output)] }
  }

  package static let name = "rope"
  package static let about = "rotary position embedding: pairs of a head rotated by their position"
  package static let smallest = Problem(
    batch: 2, tokens: 5, heads: 3, headDim: 18, precision: .fp32)
  package static let defaults = ["batch": "1", "precision": "fp32"]
    .with(RotaryAxes.defaults(.neox))

  package static let variants: [Variant<RotaryWorkload>] = {
    [.reference()]
      + InstructionSet.having(.rope).map { set in
        Variant(set) { problem, operands, execution in
          try problem.operation(set).kernel(x: operands.x, y: operands.y, execution)
        }
      }
  }()

  package static func validate(_ problem: Problem) throws {
    guard problem.headDim.isMultiple(of: 2) else {
      throw ProblemFault(
        axis: "head-dim", what: "pairs are rotated, and head-dim is \(problem.headDim)",
        fix: "use an even head-dim")
    }
    guard problem.rotary.rope != .none else {
      throw ProblemFault(
        axis: "rope", what: "there is nothing to rotate", fix: "use llama or neox")
    }
  }

  package static func workBound(of problem: Problem) -> Double {
    64 * product(problem.batch, problem.tokens, problem.heads, problem.headDim)
  }

  /// A rotated pair takes 6 flops, four products and two sums: 3 for each number.
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

  /// A result has the roundings that `RotaryEmbedding` lists: five of fp32, and in 16 bits that of what is
  /// stored.
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
    let angles = problem.rotary.rotary.angles(headDim: problem.headDim)
    var (values, magnitudes, allowances) = ([Double](), [Double](), [Double]())
    for row in sample.rows {
      let position = row / problem.heads % problem.tokens
      let start = row * problem.headDim
      let x = operands.x.doubles(start..<start + problem.headDim)
      let rotated = angles.rotated(x, layout: problem.rotary.rope, position: position)
      let (cosines, sines) = angles.cosinesAndSines(at: position)
      // Of each number, the terms' magnitudes: by its pair.
      var terms = x
      for pair in cosines.indices {
        let (one, other) = problem.rotary.rope.places(of: pair, headDim: problem.headDim)
        let (a, b) = (abs(x[one]), abs(x[other]))
        terms[one] = a * abs(cosines[pair]) + b * abs(sines[pair])
        terms[other] = a * abs(sines[pair]) + b * abs(cosines[pair])
      }
      for column in sample.columns {
        values.append(rotated[column])
        magnitudes.append(terms[column])
        // fp16 keeps no more than 24 bits after the point.
        allowances.append(problem.precision == .fp16 ? 0x1p-25 : 0)
      }
    }
    return Expectation(values: values, magnitudes: magnitudes, allowances: allowances)
  }
}
