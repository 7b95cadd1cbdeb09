import Quantities

/// A step against a cache, with its table of rotations.
final class CachedAttentionKernel: Kernel {
  private let operands: Operands
  private let attention: CachedAttention

  struct Operands {
    let q: Tensor
    let newK: Tensor
    let newV: Tensor
    let o: Tensor
    let cache: KVCache
    let sequences: [Int]

    fileprivate var tokens: CachedAttention.Tokens {
      CachedAttention.Tokens(
        q: q.pointer(to: Float.self), newK: newK.pointer(to: Float.self),
        newV: newV.pointer(to: Float.self), o: o.pointer(to: Float.self))
    }

    fileprivate func copy(in ledger: MemoryLedger) throws -> Operands {
      func copy(_ tensor: Tensor) throws -> Tensor {
        try ledger.copy(of: tensor, role: .activations)
      }
      return Operands(
        q: try copy(q), newK: try copy(newK), newV: try copy(newV), o: try copy(o),
        cache: try cache.copy(in: ledger), sequences: sequences)
    }
  }

  init(_ operation: AttentionDecode, _ operands: Operands, _ execution: Execution) throws {
    self.operands = operands
    attention = try CachedAttention(
      operation, cache: operands.cache, sequences: operands.sequences, tokens: operands.tokens,
      table: operation.rotary.isNone
        ? nil
        : RotaryTable(
          operation.rotary, headDim: operation.headDim, positions: operation.newPositions,
          instructions: operation.instructions, in: execution.ledger),
      execution)
  }

  private init(_ other: CachedAttentionKernel, _ operands: Operands) throws {
    self.operands = operands
    attention = try CachedAttention(
      other.attention, cache: operands.cache, sequences: operands.sequences,
      tokens: operands.tokens)
  }

  func run() { attention.run() }

  var unused: [MemoryRole: Bytes] { [.kvCache: operands.cache.unusedBytes] }

  func copy(in ledger: MemoryLedger) throws -> (any Kernel)? {
    try CachedAttentionKernel(self, try operands.copy(in: ledger))
  }
}
