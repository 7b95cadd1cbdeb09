package import Kernels
package import Quantities

/// Attention of all tokens of a prompt at once.
///
/// - Shapes, work, error and source: as of `AttentionPrefill`.
package enum AttentionPrefillWorkload: Workload {
  /// Attention of a batch of prompts of one length.
  package struct Problem: Codable, Hashable, Sendable {
    package let batch: Int
    /// Of queries.
    package let heads: Int
    /// Of keys and values: as many queries' heads share each.
    package let kvHeads: Int
    package let headDim: Int
    package let tokens: Int
    package let mask: AxisTextValue<AttentionMask>
    package let precision: FloatFormat
    /// Whether queries and keys are rotated on their way.
    package let rotary: RotaryAxes

    /// Sizes are taken as they are: `validate` says whether they make a problem.
    package init(
      batch: Int, heads: Int, kvHeads: Int, headDim: Int, tokens: Int, mask: AttentionMask,
      precision: FloatFormat, rotary: RotaryAxes = RotaryAxes()
    ) {
      self.batch = batch
      self.heads = heads
      self.kvHeads = kvHeads
      self.headDim = headDim
      self.tokens = tokens
      self.mask = AxisTextValue(mask)
      self.precision = precision
      self.rotary = rotary
    }

    func operation(_ instructions: InstructionSet) -> AttentionPrefill {
      AttentionPrefill(
        batch: batch, heads: heads, kvHeads: kvHeads, headDim: headDim, tokens: tokens,
        mask: mask.value, precision: precision, rotary: rotary.rotary, instructions: instructions)
    }

    /// Heads of queries for each of keys.
    var group: Int { heads / kvHeads }
    /// Of a query and a key that it sees.
    var pairs: Int { mask.value.pairs(of: tokens) * batch * heads }
    /// Scores are divided by the root of the head dimension.
    var scale: Double { 1 / Double(headDim).squareRoot() }
  }

  /// `q` and `o` are batch × tokens × heads × head-dim, `k` and `v` batch × tokens × kv-heads × head-dim; `o`
  /// in fp32, the others in the precision.
  package struct Operands: OperandSet {
    package let q: Tensor
    package let k: Tensor
    package let v: Tensor
    package let o: Tensor

    package var operands: [Operand] {
      [Operand("q", q, .input), Operand("k", k, .input), Operand("v", v, .input)]
        + [Operand("o", o, .output)]
    }

    fileprivate var tensors: AttentionPrefill.Tensors { .init(q: q, k: k, v: v, o: o) }
  }

  package static let name = "attention-prefill"
  package static let about = "O = softmax(Q · Kᵀ / √head-dim) · V for all tokens of a prompt"
  package static let smallest = Problem(
    batch: 2, heads: 6, kvHeads: 2, headDim: 17, tokens: 37, mask: .causal, precision: .fp32)
  package static let defaults = ["batch": "1", "mask": "causal", "precision": "fp32"]
    .with(RotaryAxes.defaults(.none))

  package static let variants: [Variant<AttentionPrefillWorkload>] = {
    let naive = Variant<AttentionPrefillWorkload>(
      name: "naive",
      declines: {
        $0.rotary.rope == .none ? nil : "it does not rotate queries and keys: use rope none"
      },
      prepare: { problem, operands, execution in
        try problem.operation(.portable).naiveKernel(operands.tensors, execution)
      })
    return [.reference(), naive]
      + InstructionSet.having(.attention).map { set in
        Variant(set) { problem, operands, execution in
          try problem.operation(set).kernel(operands.tensors, execution)
        }
      }
  }()

  package static func validate(_ problem: Problem) throws {
    try HeadLayout(heads: problem.heads, kvHeads: problem.kvHeads).validate()
    try problem.rotary.validate(headDim: problem.headDim)
  }

  package static func workBound(of problem: Problem) -> Double {
    64 * product(problem.batch, problem.tokens, problem.tokens, problem.headDim)
      * Double(max(problem.heads, problem.kvHeads))
  }

  /// Each pair of a query and a key that it sees takes 4·head-dim flops in each head: half in the score, half
  /// in the sum of values. Exponentials are not counted.
  package static func work(of problem: Problem) -> Work {
    let rows = problem.batch * problem.tokens * problem.headDim
    return Work(
      flops: 4 * problem.headDim * problem.pairs,
      bytesRead: problem.precision.bytes(of: rows * (problem.heads + 2 * problem.kvHeads)),
      bytesWritten: ElementType.fp32.bytes(of: rows * problem.heads),
      format: problem.precision.computeFormat)
  }

  package static func operands(
    for problem: Problem, seed: UInt64, in ledger: MemoryLedger
  ) throws -> Operands {
    func tensor(_ element: ElementType, heads: Int) throws -> Tensor {
      try ledger.tensor(
        element, [problem.batch, problem.tokens, heads, problem.headDim], .activations)
    }
    let element = problem.precision.elementType
    let operands = Operands(
      q: try tensor(element, heads: problem.heads), k: try tensor(element, heads: problem.kvHeads),
      v: try tensor(element, heads: problem.kvHeads), o: try tensor(.fp32, heads: problem.heads))
    for (index, tensor) in [operands.q, operands.k, operands.v].enumerated() {
      tensor.fillUniform(seed: seed &+ 0x9E37_79B9_7F4A_7C15 &* UInt64(index))
    }
    return operands
  }

  /// A result's path has a rounding for each key in the sum of values and one in the sum of weights that it
  /// is divided by; besides, those of the exponential, of the product and of the division. Errors of scores
  /// are in the expectation's allowances.
  package static func tolerance(of problem: Problem) -> Tolerance {
    .sum(roundings: 2 * problem.tokens + 4)
  }
}
