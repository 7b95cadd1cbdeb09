package import Kernels
package import Quantities

/// The way back through attention: gradients of queries, keys and values.
///
/// The output of the forward pass and the logarithms of its sums are made in preparation, with the instructions
/// of the variant.
///
/// - Shapes, error and source: as of `AttentionBackward`.
/// - Work: 8·head-dim flops for each pair of a query and a key that it sees, as the formulas have it: four
///   products. The kernel executes 10, since it computes scores again.
package enum AttentionBackwardWorkload: Workload {
  /// Attention of a batch of texts of one length.
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

    /// Sizes are taken as they are: `validate` says whether they make a problem.
    package init(
      batch: Int = 1, heads: Int, kvHeads: Int, headDim: Int, tokens: Int,
      mask: AttentionMask = .causal, precision: FloatFormat = .fp32
    ) {
      self.batch = batch
      self.heads = heads
      self.kvHeads = kvHeads
      self.headDim = headDim
      self.tokens = tokens
      self.mask = AxisTextValue(mask)
      self.precision = precision
    }

    func operation(_ instructions: InstructionSet) -> AttentionPrefill {
      AttentionPrefill(
        batch: batch, heads: heads, kvHeads: kvHeads, headDim: headDim, tokens: tokens,
        mask: mask.value, precision: precision, instructions: instructions)
    }

    /// Heads of queries for each of keys.
    var group: Int { heads / kvHeads }
    /// Of a query and a key that it sees.
    var pairs: Int { mask.value.pairs(of: tokens) * batch * heads }
    var queryRows: Int { batch * tokens * heads }
    var keyRows: Int { batch * tokens * kvHeads }
  }

  /// `q` and `dy` are batch × tokens × heads × head-dim, `k` and `v` batch × tokens × kv-heads × head-dim; `dy` in
  /// fp32, the others in the precision. `gradients` are those of `q`, of `k` and of `v`, one after the other, in
  /// fp32.
  package struct Operands: OperandSet {
    package let q: Tensor
    package let k: Tensor
    package let v: Tensor
    package let dy: Tensor
    package let gradients: Tensor

    package var operands: [Operand] {
      [Operand("q", q, .input), Operand("k", k, .input), Operand("v", v, .input)]
        + [Operand("dy", dy, .input), Operand("gradients", gradients, .output)]
    }
  }

  package static let name = "attention-backward"
  package static let about =
    "gradients of Q, K and V from that of softmax(Q · Kᵀ / √head-dim) · V"
  package static let smallest = Problem(batch: 2, heads: 6, kvHeads: 2, headDim: 17, tokens: 37)
  package static let defaults = ["batch": "1", "mask": "causal", "precision": "fp32"]

  package static let variants: [Variant<AttentionBackwardWorkload>] = {
    [.reference()]
      + InstructionSet.having(.trainingSteps).map { set in
        Variant(set) { problem, operands, execution in
          let kept = try Kept(problem, operands, set, execution)
          let backward = try AttentionBackward(problem.operation(set), execution)
          let keys = problem.queryRows * problem.headDim
          let values = keys + problem.keyRows * problem.headDim
          return OperationKernel(kept) { kept in
            let gradients = kept.operands.gradients.pointer(to: Float.self)
            backward.run(
              AttentionBackward.Operands(
                q: kept.operands.q.start, k: kept.operands.k.start, v: kept.operands.v.start,
                o: kept.o.start, gradient: kept.operands.dy.pointer(to: Float.self),
                logSums: kept.logSums.pointer(to: Float.self), dq: gradients,
                dk: gradients + keys, dv: gradients + values))
          }
        }
      }
  }()

  /// The operands, and what the forward pass leaves for the way back.
  fileprivate struct Kept: TensorSet {
    let operands: Operands
    let o: Tensor
    let logSums: Tensor

    func copy(in ledger: MemoryLedger) throws -> Kept {
      func copy(_ tensor: Tensor) throws -> Tensor {
        try ledger.copy(of: tensor, role: .activations)
      }
      return Kept(
        operands: Operands(
          q: try copy(operands.q), k: try copy(operands.k), v: try copy(operands.v),
          dy: try copy(operands.dy), gradients: try copy(operands.gradients)),
        o: try copy(o), logSums: try copy(logSums))
    }
  }

  package static func validate(_ problem: Problem) throws {
    try HeadLayout(heads: problem.heads, kvHeads: problem.kvHeads).validate()
  }

  package static func workBound(of problem: Problem) -> Double {
    64 * product(problem.batch, problem.tokens, problem.tokens, problem.headDim)
      * Double(max(problem.heads, problem.kvHeads))
  }

  package static func work(of problem: Problem) -> Work {
    let (queries, keys) = (
      problem.queryRows * problem.headDim, problem.keyRows * problem.headDim
    )
    return Work(
      flops: 8 * problem.headDim * problem.pairs,
      bytesRead: problem.precision.bytes(of: 2 * queries + 2 * keys)
        + ElementType.fp32.bytes(of: queries + problem.queryRows),
      bytesWritten: ElementType.fp32.bytes(of: queries + 2 * keys),
      format: problem.precision.computeFormat)
  }

  package static func operands(
    for problem: Problem, seed: UInt64, in ledger: MemoryLedger
  ) throws -> Operands {
    func tensor(_ element: ElementType, heads: Int, _ role: MemoryRole) throws -> Tensor {
      try ledger.tensor(
        element, [problem.batch, problem.tokens, heads, problem.headDim], role)
    }
    let element = problem.precision.elementType
    let operands = Operands(
      q: try tensor(element, heads: problem.heads, .activations),
      k: try tensor(element, heads: problem.kvHeads, .activations),
      v: try tensor(element, heads: problem.kvHeads, .activations),
      dy: try tensor(.fp32, heads: problem.heads, .gradients),
      gradients: try ledger.tensor(
        .fp32, [problem.queryRows + 2 * problem.keyRows, problem.headDim], .gradients))
    for (index, tensor) in [operands.q, operands.k, operands.v, operands.dy].enumerated() {
      tensor.fillUniform(seed: seed &+ 0x9E37_79B9_7F4A_7C15 &* UInt64(index))
    }
    return operands
  }

  /// A gradient of a query is a sum over keys; one of a key, over all queries of the heads that share it. Besides
  /// there are the roundings of two products, of a difference and of the scaling. What scores, their sums and the
  /// stored output are off by is in the expectation's allowances.
  package static func tolerance(of problem: Problem) -> Tolerance {
    .sum(roundings: 2 * problem.tokens * problem.group + 6)
  }

  /// One head of keys of one text, where the scores of all of it are too many for fp64.
  package static func reduced(_ problem: Problem) -> (problem: Problem, label: String)? {
    guard problem.pairs > 1 << 24 else { return nil }
    let reduced = Problem(
      heads: problem.group, kvHeads: 1, headDim: problem.headDim,
      tokens: min(1024, problem.tokens), mask: problem.mask.value, precision: problem.precision)
    return (
      reduced,
      "1 of \(problem.kvHeads) heads of keys, \(reduced.tokens) of \(problem.tokens) tokens"
    )
  }
}

extension AttentionBackwardWorkload.Kept {
  /// Goes forward once: the output is kept as activations are stored.
  fileprivate init(
    _ problem: AttentionBackwardWorkload.Problem, _ operands: AttentionBackwardWorkload.Operands,
    _ instructions: InstructionSet, _ execution: Execution
  ) throws {
    let ledger = execution.ledger
    let shape = [problem.queryRows, problem.headDim]
    let o = try ledger.tensor(problem.precision.elementType, shape, .activations)
    let logSums = try ledger.tensor(
      .fp32, [problem.batch, problem.kvHeads, problem.tokens, problem.group], .activations)
    let wide = problem.precision == .fp32 ? o : try ledger.tensor(.fp32, shape, .workspace)
    let forward = try problem.operation(instructions).kernel(
      .init(q: operands.q, k: operands.k, v: operands.v, o: wide, logSums: logSums), execution)
    if !ledger.isPlan {
      forward.run()
      if wide !== o {
        Narrowing(problem.precision, instructions: instructions, pool: execution.pool)
          .run(wide.pointer(to: Float.self), count: o.count, to: o.start)
      }
    }
    self.init(operands: operands, o: o, logSums: logSums)
  }
}
