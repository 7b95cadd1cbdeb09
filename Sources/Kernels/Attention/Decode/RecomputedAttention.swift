import Quantities

/// A step without a cache: all tokens' keys and values from their hidden states, and the attention of all
/// to all.
final class RecomputedAttention: Kernel, ParallelTask {
  private let operation: AttentionDecode
  private let queries: Tensor
  private let output: Tensor
  private let pool: ThreadPool
  private let table: RotaryTable?
  private let keys: Tensor
  /// Queries after they are rotated, where they are.
  private let rotated: Tensor?
  private let results: Tensor
  private let projections: [any Kernel]
  private let attentions: [any Kernel]
  private var isRotating = false

  init(
    _ operation: AttentionDecode, q: Tensor, hidden: Tensor, keyWeights: Tensor,
    valueWeights: Tensor, o: Tensor, _ execution: Execution
  ) throws {
    let ledger = execution.ledger
    self.operation = operation
    (queries, output) = (q, o)
    pool = execution.pool
    let keyShape = [operation.tokens, operation.kvHeads, operation.headDim]
    let resultShape = [operation.tokens, operation.heads, operation.headDim]
    let keys = try ledger.tensor(.fp32, keyShape, .workspace)
    let values = try ledger.tensor(.fp32, keyShape, .workspace)
    let results = try ledger.tensor(.fp32, resultShape, .workspace)
    let isRotated = !operation.rotary.isNone
    let rotated = isRotated ? try ledger.tensor(.fp32, resultShape, .workspace) : nil
    (self.keys, self.results, self.rotated) = (keys, results, rotated)
    table =
      isRotated
      ? try RotaryTable(
        operation.rotary, headDim: operation.headDim, positions: 0..<operation.longest,
        instructions: operation.instructions, in: ledger) : nil
    let projection = operation.projection
    projections = try [(keyWeights, keys), (valueWeights, values)].map { weights, result in
      try projection.kernel(a: hidden, weights: weights, c: result, execution)
    }
    let seen = rotated ?? q
    attentions = try operation.allTokens.map { prefill, tokens in
      try prefill.kernel(
        .init(
          q: seen.slice(tokens), k: keys.slice(tokens), v: values.slice(tokens),
          o: results.slice(tokens)), execution)
    }
  }

  func run() {
    for projection in projections { projection.run() }
    if table != nil {
      isRotating = true
      pool.run(self)
    }
    for attention in attentions { attention.run() }
    isRotating = false
    pool.run(self)
  }

  func run(part: Int, of parts: Int) {
    isRotating ? rotate(part, parts) : copy(part, parts)
  }

  /// Keys where they are, queries beside.
  private func rotate(_ part: Int, _ parts: Int) {
    guard let table, let rotated else { return }
    let headDim = operation.headDim
    let (from, to) = (queries.pointer(to: Float.self), rotated.pointer(to: Float.self))
    let keys = keys.pointer(to: Float.self)
    var start = 0
    for context in operation.contexts {
      let count = context + operation.newTokens
      for token in split(count, part: part, of: parts) {
        for head in 0..<operation.heads {
          let place = ((start + token) * operation.heads + head) * headDim
          table.rotate(from + place, at: token, to: to + place)
        }
        for head in 0..<operation.kvHeads {
          let key = keys + ((start + token) * operation.kvHeads + head) * headDim
          table.rotate(key, at: token, to: key)
        }
      }
      start += count
    }
  }

  /// What the new tokens came to.
  private func copy(_ part: Int, _ parts: Int) {
    let (from, to) = (results.pointer(to: Float.self), output.pointer(to: Float.self))
    let hidden = operation.hidden
    var end = 0
    for (sequence, context) in operation.contexts.enumerated() {
      end += context + operation.newTokens
      for token in split(operation.newTokens, part: part, of: parts) {
        (to + (sequence * operation.newTokens + token) * hidden).update(
          from: from + (end - operation.newTokens + token) * hidden, count: hidden)
      }
    }
  }
}

extension AttentionDecode {
  /// The product of all tokens' hidden states with the weights of keys, or of values.
  package var projection: Matmul {
    Matmul(
      n: kvHeads * headDim, k: hidden, weights: WeightFormat(.fp32),
      activations: .stored(.fp32), instructions: instructions)
  }

  /// Attention of all tokens where there is no cache, and which of them: all sequences at once where they are of
  /// one length. What it is given was rotated before.
  package var allTokens: [(attention: AttentionPrefill, tokens: Range<Int>)] {
    func prefill(batch: Int, tokens: Int) -> AttentionPrefill {
      AttentionPrefill(
        batch: batch, heads: heads, kvHeads: kvHeads, headDim: headDim, tokens: tokens,
        mask: mask, instructions: instructions)
    }
    let lengths = contexts.map { $0 + newTokens }
    if let length = lengths.first, lengths.allSatisfy({ $0 == length }) {
      return [(prefill(batch: batch, tokens: length), 0..<tokens)]
    }
    var start = 0
    return lengths.map { length in
      start += length
      return (prefill(batch: 1, tokens: length), start - length..<start)
    }
  }
}
