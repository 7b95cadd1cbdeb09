package import Quantities

extension AttentionDecode {
  package static func operands(
    for problem: Problem, seed: UInt64, in ledger: MemoryLedger
  ) throws -> Operands {
    let depth = problem.headDim
    let new = problem.batch * problem.newTokens
    var drawn: UInt64 = 0
    func tensor(_ shape: [Int], _ role: MemoryRole = .activations) throws -> Tensor {
      let tensor = try ledger.tensor(.fp32, shape, role)
      drawn += 1
      tensor.fillUniform(seed: seed &+ 0x9E37_79B9_7F4A_7C15 &* drawn)
      return tensor
    }
    let o = try ledger.tensor(.fp32, [new, problem.heads, depth], .activations)
    if problem.kvCache == .off {
      let weights = [problem.kvHeads * depth, problem.hidden]
      // Weights of the size that training leaves: projections are about as large as what they project.
      let projections = try (0..<2).map { _ in
        let tensor = try tensor(weights, .weights)
        let values = tensor.pointer(to: Float.self)
        let factor = (3 / Float(problem.hidden)).squareRoot()
        for index in 0..<tensor.count { values[index] *= factor }
        return tensor
      }
      return Operands(
        q: try tensor([problem.tokens, problem.heads, depth]),
        step: .projected(
          hidden: try tensor([problem.tokens, problem.hidden]), wK: projections[0],
          wV: projections[1]),
        o: o)
    }
    let cache = try KVCache(layout: problem.layout, pages: problem.pages, in: ledger)
    let sequences = try problem.contexts.enumerated().map { index, context in
      let sequence = cache.addSequence()
      let mixed = hash32(UInt32(truncatingIfNeeded: seed), UInt32(index))
      let tokenLength = problem.kvHeads * depth
      for start in stride(from: 0, to: context, by: 64) {
        let numbers = start * tokenLength..<min(context, start + 64) * tokenLength
        try cache.append(
          numbers.map { uniform(mixed, $0) }, numbers.map { uniform(mixed &+ 1, $0) },
          to: sequence)
      }
      _ = try cache.reserve(problem.newTokens, for: sequence)
      return sequence
    }
    return Operands(
      q: try tensor([new, problem.heads, depth]),
      step: .cached(
        newK: try tensor([new, problem.kvHeads, depth]),
        newV: try tensor([new, problem.kvHeads, depth]), cache: cache, sequences: sequences),
      o: o)
  }

  package static func memory(
    of problem: Problem, variant: Variant<AttentionDecode>, threads: Int
  ) -> MemoryPlan {
    func fp32(_ count: Int) -> Bytes { ElementType.fp32.bytes(of: count) }
    let new = problem.batch * problem.newTokens
    let depth = problem.kvHeads * problem.headDim
    guard problem.kvCache == .off else {
      let held: [MemoryRole: Bytes] = [
        .activations: fp32(2 * new * problem.hidden + 2 * new * depth),
        .kvCache: problem.layout.bytes(pages: problem.pages),
      ]
      var running = held
      if variant.kind != .reference {
        running[.workspace] =
          CachedAttention.bytes(problem, threads: threads) + problem.tableBytes
      }
      return MemoryPlan([.operands: held, .preparation: running, .run: running])
    }
    let held: [MemoryRole: Bytes] = [
      .activations: fp32(2 * problem.tokens * problem.hidden + new * problem.hidden),
      .weights: fp32(2 * depth * problem.hidden),
    ]
    guard variant.kind != .reference else {
      return MemoryPlan([.operands: held, .preparation: held, .run: held])
    }
    return RecomputeKernel.memory(problem, operands: held, variant: variant.name, threads: threads)
  }
}

extension AttentionDecode.Problem {
  /// All tokens of the longest sequence.
  var longest: Int { (contexts.max() ?? 0) + newTokens }

  /// From the first new token's of the shortest to the last of the longest.
  var newPositions: Range<Int> { (contexts.min() ?? 0)..<longest }

  var tableBytes: Bytes {
    rotary.isNone
      ? .zero
      : RotaryTable.bytes(
        positions: kvCache == .on ? newPositions.count : longest, headDim: headDim)
  }
}
