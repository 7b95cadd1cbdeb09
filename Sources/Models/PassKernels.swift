import Kernels

/// The kernels of one pass, layer by layer.
struct PassKernels {
  let pass: DecoderRun.Pass
  let products: [[ModelShape.Product: any Kernel]]
  let attention: Attention

  enum Attention {
    /// Of the pass's own tokens as they are.
    case direct(any Kernel)
    /// To a cache; passes of one length share it, each with a step of its own.
    case cached(CachedAttention, CachedAttention.Step)
  }

  /// All passes of a run; those of one length share their kernels, and layers share a workspace.
  static func all(
    of run: DecoderRun, _ shape: ModelShape, _ weights: TransformerWeights,
    _ buffers: TransformerBuffers, _ cache: TransformerCache?, _ instructions: InstructionSet,
    _ execution: Execution
  ) throws -> [PassKernels] {
    var products: [Int: [[ModelShape.Product: any Kernel]]] = [:]
    var attentions: [Int: CachedAttention] = [:]
    return try run.passes.map { pass in
      let rows = run.batch * pass.count
      let kernels =
        try products[rows] ?? Self.products(shape, weights, buffers, rows: rows, execution)
      products[rows] = kernels
      guard !run.isDirect(pass) else {
        let kernel = try run.prefill(shape, pass, instructions).kernel(
          .init(
            q: buffers.q.slice(0..<rows), k: buffers.k.slice(0..<rows),
            v: buffers.v.slice(0..<rows), o: buffers.attended.slice(0..<rows)), execution)
        return PassKernels(pass: pass, products: kernels, attention: .direct(kernel))
      }
      guard let cache else { preconditionFailure("a pass after others needs a cache") }
      let operation = run.attention(shape, pass, instructions)
      let attention =
        try attentions[pass.count]
        ?? CachedAttention(
          operation, cache: cache.cache, sequences: cache.sequences,
          tokens: buffers.attentionTokens, table: cache.table, execution)
      attentions[pass.count] = attention
      let step = CachedAttention.Step(
        operation, cache.cache.layout, threads: execution.threads)
      return PassKernels(
        pass: pass, products: kernels, attention: .cached(attention, step))
    }
  }

  private static func products(
    _ shape: ModelShape, _ weights: TransformerWeights, _ buffers: TransformerBuffers,
    rows: Int, _ execution: Execution
  ) throws -> [[ModelShape.Product: any Kernel]] {
    var workspaces: [ModelShape.Product: MatmulWorkspace] = [:]
    return try weights.layers.map { layer in
      try layer.reduce(into: [:]) { kernels, entry in
        let (product, weights) = entry
        let workspace =
          try workspaces[product] ?? weights.workspace(rows: rows, execution)
        workspaces[product] = workspace
        let (a, c) = buffers.operands(of: product)
        kernels[product] = weights.kernel(
          a: a.slice(0..<rows), c: c.slice(0..<rows), workspace)
      }
    }
  }
}
