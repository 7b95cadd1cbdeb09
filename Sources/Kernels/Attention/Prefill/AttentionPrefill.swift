import CMicrokernels
package import Quantities

/// Attention of all tokens of a prompt at once, with fewer heads of keys than of queries where models
/// share them.
///
///     o[t, h] = Σ softmax(q[t, h] · k[s, h / group] / √head-dim) · v[s, h / group], over the s that t sees
///
/// - Shapes: `q` and `o` are batch × tokens × heads × head-dim, `k` and `v` batch × tokens × kv-heads ×
///   head-dim, as projections leave them; `q`, `k` and `v` in the precision, sums and `o` in fp32.
/// - Work: 4·head-dim flops for each pair of a query and a key that it sees; reads `q`, `k` and `v` once,
///   writes `o` once.
/// - Error: that of a score, which the exponential makes a relative one of each term, and that of a sum
///   of as many terms as keys.
/// - Source: Vaswani et al., "Attention Is All You Need" (2017); Ainslie et al., "GQA" (2023).
package struct AttentionPrefill: Hashable, Sendable {
  package let batch: Int
  /// Of queries.
  package let heads: Int
  /// Of keys and values: as many queries' heads share each.
  package let kvHeads: Int
  package let headDim: Int
  package let tokens: Int
  package let mask: AttentionMask
  package let precision: FloatFormat
  /// By how much queries and keys are rotated on their way.
  package let rotary: Rotary
  package let instructions: InstructionSet

  /// Takes the shape as it is: `heads` must be a multiple of `kvHeads`.
  package init(
    batch: Int, heads: Int, kvHeads: Int, headDim: Int, tokens: Int,
    mask: AttentionMask = .causal, precision: FloatFormat = .fp32, rotary: Rotary = .none,
    instructions: InstructionSet
  ) {
    self.batch = batch
    self.heads = heads
    self.kvHeads = kvHeads
    self.headDim = headDim
    self.tokens = tokens
    self.mask = mask
    self.precision = precision
    self.rotary = rotary
    self.instructions = instructions
  }

  /// Heads of queries for each of keys.
  var group: Int { heads / kvHeads }
  /// Of a query and a key that it sees.
  var pairs: Int { mask.pairs(of: tokens) * batch * heads }
  /// Scores are divided by the root of the head dimension.
  var scale: Double { 1 / Double(headDim).squareRoot() }

  /// What a call reads and writes, in the shapes that the operation says.
  package struct Tensors {
    package let q: Tensor
    package let k: Tensor
    package let v: Tensor
    package let o: Tensor
    /// For the way back: of each row the logarithm of the sum of its exponentials, to the base 2.
    package let logSums: Tensor?

    /// `q`, `k` and `v` are in the operation's precision, `o` in fp32; `logSums` is batch × kv-heads × tokens ×
    /// heads of the group, in fp32.
    package init(q: Tensor, k: Tensor, v: Tensor, o: Tensor, logSums: Tensor? = nil) {
      self.q = q
      self.k = k
      self.v = v
      self.o = o
      self.logSums = logSums
    }

    func copy(in ledger: MemoryLedger) throws -> Tensors {
      Tensors(
        q: try ledger.copy(of: q, role: .activations),
        k: try ledger.copy(of: k, role: .activations),
        v: try ledger.copy(of: v, role: .activations),
        o: try ledger.copy(of: o, role: .activations),
        logSums: try logSums.map { try ledger.copy(of: $0, role: .activations) })
    }
  }

  /// Makes the kernel that takes a tile of queries with a tile of keys at a time, so that no more than that
  /// of the scores is kept.
  ///
  /// - Throws: `LedgerFault` where workspace does not fit.
  package func kernel(_ tensors: Tensors, _ execution: Execution) throws -> any Kernel {
    TiledAttention(
      try TiledAttention.Prototype(self, keepsLogSums: tensors.logSums != nil, execution), tensors)
  }

  /// Makes the kernel that keeps all scores of all heads in memory, as the formula is written: what tiles are
  /// there to avoid, and what it costs. It rotates nothing, and takes no instructions but the compiler's.
  ///
  /// - Throws: `LedgerFault` where batch × heads × tokens × tokens scores do not fit.
  package func naiveKernel(_ tensors: Tensors, _ execution: Execution) throws -> any Kernel {
    try NaiveAttention(self, tensors, execution)
  }
}

/// Attention of layers that run one after the other: their kernels share a workspace, and keep the logarithms of
/// their sums for the way back.
package struct LayeredAttention {
  private let prototype: TiledAttention.Prototype

  /// - Throws: `LedgerFault` where the workspace does not fit.
  package init(_ attention: AttentionPrefill, _ execution: Execution) throws {
    prototype = try TiledAttention.Prototype(attention, keepsLogSums: true, execution)
  }

  /// The kernel of one layer.
  package func kernel(_ tensors: AttentionPrefill.Tensors) -> any Kernel {
    TiledAttention(prototype, tensors)
  }
}
