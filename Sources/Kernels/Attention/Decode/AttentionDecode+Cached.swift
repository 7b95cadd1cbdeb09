import Quantities

extension AttentionDecode {
  /// A step against a cache.
  final class CachedKernel: Kernel {
    private let operands: Operands
    private let attention: CachedAttention

    init(
      problem: Problem, operands: Operands, loops: CachedAttention.Loops, execution: Execution
    ) throws {
      let (tokens, cache, sequences) = Self.parts(operands)
      self.operands = operands
      attention = try CachedAttention(
        problem: problem, cache: cache, sequences: sequences, tokens: tokens,
        table: problem.rotary.isNone
          ? nil
          : RotaryTable(
            angles: problem.angles, layout: problem.rotary.rope, positions: problem.newPositions,
            turn: loops.turn, in: execution.ledger),
        loops: loops, execution: execution)
    }

    private init(_ other: CachedKernel, _ operands: Operands) throws {
      let (tokens, cache, sequences) = Self.parts(operands)
      self.operands = operands
      attention = try CachedAttention(
        other.attention, cache: cache, sequences: sequences, tokens: tokens)
    }

    private static func parts(_ operands: Operands) -> (CachedAttention.Tokens, KVCache, [Int]) {
      guard case .cached(let newK, let newV, let cache, let sequences) = operands.step else {
        preconditionFailure("operands without a cache")
      }
      return (
        CachedAttention.Tokens(
          q: operands.q.pointer(to: Float.self), newK: newK.pointer(to: Float.self),
          newV: newV.pointer(to: Float.self), o: operands.o.pointer(to: Float.self)), cache,
        sequences
      )
    }

    func run() { attention.run() }

    var unused: [MemoryRole: Bytes] { [.kvCache: Self.parts(operands).1.unusedBytes] }

    func copy(in ledger: MemoryLedger) throws -> (any Kernel)? {
      guard case .cached(let newK, let newV, let cache, let sequences) = operands.step else {
        return nil
      }
      func copy(_ tensor: Tensor) throws -> Tensor {
        try ledger.copy(of: tensor, role: .activations)
      }
      return try CachedKernel(
        self,
        Operands(
          q: try copy(operands.q),
          step: .cached(
            newK: try copy(newK), newV: try copy(newV), cache: try cache.copy(in: ledger),
            sequences: sequences),
          o: try copy(operands.o)))
    }
  }
}
