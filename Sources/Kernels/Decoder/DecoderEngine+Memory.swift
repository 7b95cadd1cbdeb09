import Quantities

extension DecoderEngine {
  /// What an engine allocates, besides its operands: while it is prepared, and while it runs.
  ///
  /// - Parameter ownsRows: whether the rows that go through the layers are its own.
  static func memory(
    _ shape: DecoderShape, _ run: DecoderRun, ownsRows: Bool, _ loops: DecoderLoops, threads: Int
  ) -> (preparation: [MemoryRole: Bytes], run: [MemoryRole: Bytes]) {
    func fp32(_ count: Int) -> Bytes { ElementType.fp32.bytes(of: count) }
    var matrices = (0..<shape.layers).flatMap { _ in shape.products.map(shape.weights) }
    if shape.vocab > 0 {
      matrices += Array(repeating: shape.vocabulary, count: shape.isTied ? 1 : 2)
    }
    // One matrix after the other is packed, and then no longer there as it was stored.
    var (packed, most) = (Bytes.zero, Bytes.zero)
    for matrix in matrices {
      let bytes = LinearWeights.bytes(matrix, loops)
      most = max(most, packed + bytes + LinearWeights.packingBytes(matrix, loops))
      packed += bytes
    }
    packed += fp32(shape.gains * shape.hidden)

    let (queries, keys) = (shape.heads * shape.headDim, shape.kvHeads * shape.headDim)
    let columns =
      (ownsRows ? 2 : 1) * shape.hidden + 2 * queries + 2 * keys + shape.hidden
      + (shape.mlp == .swiglu ? 2 : 1) * shape.ffn
    let activations =
      fp32(run.most * columns) + fp32(shape.vocab > 0 ? run.batch * shape.hidden : 0)

    var workspace = Bytes.zero
    if !run.rotary.isNone, run.hasCache {
      workspace += RotaryTable.bytes(positions: run.longest, headDim: shape.headDim)
    }
    for count in Set(run.passes.map(\.count)) {
      for product in shape.products {
        workspace += LinearWeights.workspace(
          shape.weights(product), m: run.batch * count, most: run.most, count: shape.layers,
          loops, threads: threads)
      }
    }
    var cachedLengths: Set<Int> = []
    for pass in run.passes {
      if run.isDirect(pass) {
        let problem = run.prefill(shape, pass)
        let plan = AttentionPrefill.memory(of: problem, variant: loops.prefill, threads: threads)
        workspace += plan.phases[.run]?[.workspace] ?? .zero
      } else if cachedLengths.insert(pass.count).inserted {
        workspace += CachedAttention.bytes(run.attention(shape, pass), threads: threads)
      }
    }
    if run.hasCache { workspace += StoreTask.bytes(shape, threads: threads) }
    if shape.vocab > 0 {
      workspace += LinearWeights.workspace(
        shape.vocabulary, m: run.batch, most: run.batch, count: 1, loops, threads: threads)
      workspace += fp32(max(1, LinearWeights.rowScratch(shape.vocabulary, loops)))
    }
    var held: [MemoryRole: Bytes] = [
      .weights: packed, .activations: activations, .workspace: workspace,
    ]
    if run.hasCache { held[.kvCache] = run.cacheLayout(shape).bytes(pages: run.pages(shape)) }
    // While weights are packed there is nothing else.
    let end = held.values.reduce(Bytes.zero, +)
    let preparation = most >= end ? [.weights: most] : held
    return (preparation, held)
  }

  /// A workload's plan, by the name of its variant: the reference has nothing but its operands.
  static func plan(
    _ shape: DecoderShape, _ run: DecoderRun, operands: [MemoryRole: Bytes], ownsRows: Bool,
    variant: String, threads: Int
  ) -> MemoryPlan {
    guard let loops = InstructionSet(rawValue: variant).map(DecoderLoops.init) else {
      return MemoryPlan([.operands: operands, .preparation: operands, .run: operands])
    }
    let (preparation, held) = memory(shape, run, ownsRows: ownsRows, loops, threads: threads)
    return MemoryPlan([
      .operands: operands, .preparation: operands.merging(preparation, uniquingKeysWith: +),
      .run: operands.merging(held, uniquingKeysWith: +),
    ])
  }
}
