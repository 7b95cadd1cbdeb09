package import Kernels
import Quantities

extension AttentionDecodeWorkload {
  /// The context of a cache is made up in fp32 and rounded to its types; the new tokens' places are reserved.
  package static func operands(
    for problem: Problem, seed: UInt64, in ledger: MemoryLedger
  ) throws -> Operands {
    let headDim = problem.headDim
    let new = problem.batch * problem.newTokens
    var drawn: UInt64 = 0
    func tensor(_ shape: [Int], _ role: MemoryRole = .activations) throws -> Tensor {
      let tensor = try ledger.tensor(.fp32, shape, role)
      drawn += 1
      tensor.fillUniform(seed: seed &+ 0x9E37_79B9_7F4A_7C15 &* drawn)
      return tensor
    }
    let o = try ledger.tensor(.fp32, [new, problem.heads, headDim], .activations)
    if problem.kvCache == .off {
      let weights = [problem.kvHeads * headDim, problem.hidden]
      // Weights of the size that training leaves: projections are about as large as what they project.
      let projections = try (0..<2).map { _ in
        let tensor = try tensor(weights, .weights)
        guard !tensor.isPlan else { return tensor }
        let values = tensor.pointer(to: Float.self)
        let factor = (3 / Float(problem.hidden)).squareRoot()
        for index in 0..<tensor.count { values[index] *= factor }
        return tensor
      }
      return Operands(
        q: try tensor([problem.tokens, problem.heads, headDim]),
        step: .projected(
          hidden: try tensor([problem.tokens, problem.hidden]), wK: projections[0],
          wV: projections[1]),
        o: o)
    }
    let cache = try KVCache(layout: problem.layout, pages: problem.pages, in: ledger)
    let sequences = try problem.contexts.enumerated().map { index, context in
      let sequence = cache.addSequence()
      let mixed = hash32(UInt32(truncatingIfNeeded: seed), UInt32(index))
      let tokenLength = problem.kvHeads * headDim
      try cache.fill(sequence, tokens: context, chunk: 64) { tokens in
        let numbers = tokens.lowerBound * tokenLength..<tokens.upperBound * tokenLength
        return (numbers.map { uniform(mixed, $0) }, numbers.map { uniform(mixed &+ 1, $0) })
      }
      _ = try cache.reserve(problem.newTokens, for: sequence)
      return sequence
    }
    return Operands(
      q: try tensor([new, problem.heads, headDim]),
      step: .cached(
        newK: try tensor([new, problem.kvHeads, headDim]),
        newV: try tensor([new, problem.kvHeads, headDim]), cache: cache, sequences: sequences),
      o: o)
  }
}
