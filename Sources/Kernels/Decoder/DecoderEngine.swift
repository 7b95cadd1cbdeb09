import CMicrokernels
import Quantities

/// A transformer's layers, with its embedding and logits where it has them, run over the passes of a call.
final class DecoderEngine {
  private let shape: DecoderShape
  private let run: DecoderRun
  private let loops: DecoderLoops
  private let buffers: Buffers
  private let gains: UnsafeMutablePointer<Float>
  private let ends: Ends?
  private let passes: [PassKernels]
  private let rows: RowTask
  private let store: StoreTask?
  private let pool: ThreadPool
  /// Bytes of its cache that hold no token.
  let unusedBytes: Bytes
  /// What must live as long as this does.
  private let held: [AnyObject]

  /// Embedding and logits: the last tokens' alone.
  private struct Ends {
    let embedding: LinearWeights
    let logits: any Kernel
    let last: Tensor
    let scratch: UnsafeMutablePointer<Float>
    let ids: UnsafePointer<Int32>
  }

  /// The kernels of passes of one length, layer by layer.
  private struct PassKernels {
    let pass: DecoderRun.Pass
    let products: [[DecoderShape.Product: any Kernel]]
    let attention: Attention
  }

  private enum Attention {
    case direct(any Kernel)
    case cached(CachedAttention, CachedAttention.Step)
  }

  /// What goes from product to product, as many rows as the longest pass has.
  private struct Buffers {
    let x: Tensor
    let normed: Tensor
    let q: Tensor
    let k: Tensor
    let v: Tensor
    let attended: Tensor
    let gate: Tensor
    let up: Tensor
    let projected: Tensor
  }

  /// - Parameters:
  ///   - x: tokens × hidden, where there is no embedding: read and written.
  ///   - ids: given tokens, sequence after sequence, where there is one; `logits` is batch × vocab.
  init(
    shape: DecoderShape, run: DecoderRun, seed: UInt64, loops: DecoderLoops, x: Tensor?,
    ids: Tensor?, logits: Tensor?, execution: Execution
  ) throws {
    self.shape = shape
    self.run = run
    self.loops = loops
    pool = execution.pool
    let ledger = execution.ledger
    var held: [AnyObject] = []

    // Weights first: while they are packed there is little else.
    let layers = try (0..<shape.layers).map { layer in
      try Dictionary(
        uniqueKeysWithValues: shape.products.map { product in
          (
            product,
            try LinearWeights(
              shape.weights(product), source: shape.source(product, layer: layer, seed: seed),
              most: run.most, loops: loops, execution: execution)
          )
        })
    }
    var embedding: LinearWeights?
    var logitWeights: LinearWeights?
    if shape.vocab > 0 {
      logitWeights = try LinearWeights(
        shape.vocabulary, source: shape.logitsSource(seed: seed), most: run.batch, loops: loops,
        execution: execution)
      embedding =
        shape.isTied
        ? logitWeights
        : try LinearWeights(
          shape.vocabulary, source: shape.embeddingSource(seed: seed), most: run.batch,
          loops: loops, execution: execution)
    }
    let gainTensor = try ledger.tensor(.fp32, [shape.gains, shape.hidden], .weights)
    gains = gainTensor.pointer(to: Float.self)
    for index in 0..<shape.gains {
      for column in 0..<shape.hidden {
        gains[index * shape.hidden + column] = shape.gain(index, column, seed: seed)
      }
    }
    held += [gainTensor]

    let most = run.most
    func buffer(_ columns: Int) throws -> Tensor {
      try ledger.tensor(.fp32, [most, columns], .activations)
    }
    let (queries, keys) = (shape.heads * shape.headDim, shape.kvHeads * shape.headDim)
    let up = try buffer(shape.ffn)
    let buffers = Buffers(
      x: try x ?? buffer(shape.hidden), normed: try buffer(shape.hidden), q: try buffer(queries),
      k: try buffer(keys), v: try buffer(keys), attended: try buffer(queries),
      gate: shape.mlp == .swiglu ? try buffer(shape.ffn) : up, up: up,
      projected: try buffer(shape.hidden))
    self.buffers = buffers
    held += [
      buffers.x, buffers.normed, buffers.q, buffers.k, buffers.v, buffers.attended, buffers.gate,
      buffers.up, buffers.projected,
    ]

    let cache = try Self.cache(shape, run, seed: seed, in: ledger)
    unusedBytes = cache?.cache.unusedBytes ?? .zero
    let cachedLoops = loops.cached(run.cache.cacheTypeK, run.cache.cacheTypeV)
    let table =
      run.rotary.isNone || !run.hasCache
      ? nil
      : try RotaryTable(
        angles: run.rotary.angles(headDim: shape.headDim),
        layout: run.rotary.rope, positions: 0..<run.longest, turn: loops.turn, in: ledger)
    let tokens = CachedAttention.Tokens(
      q: buffers.q.pointer(to: Float.self), newK: buffers.k.pointer(to: Float.self),
      newV: buffers.v.pointer(to: Float.self), o: buffers.attended.pointer(to: Float.self))

    // Passes of one length share their kernels.
    var made: [Int: [[DecoderShape.Product: any Kernel]]] = [:]
    var attentions: [Int: CachedAttention] = [:]
    var passes: [PassKernels] = []
    for pass in run.passes {
      let m = run.batch * pass.count
      let products =
        try made[m]
        ?? Self.products(shape, layers, m: m, buffers: buffers, execution: execution)
      made[m] = products
      let attention: Attention
      if run.isDirect(pass) {
        attention = .direct(
          try loops.prefill.prepare(
            run.prefill(shape, pass),
            AttentionPrefill.Operands(
              q: buffers.q.slice(0..<m), k: buffers.k.slice(0..<m), v: buffers.v.slice(0..<m),
              o: buffers.attended.slice(0..<m)), execution))
      } else if let cache {
        let problem = run.attention(shape, pass)
        let one =
          try attentions[pass.count]
          ?? CachedAttention(
            problem: problem, cache: cache.cache, sequences: cache.sequences, tokens: tokens,
            table: table, loops: cachedLoops, execution: execution)
        attentions[pass.count] = one
        attention = .cached(one, CachedAttention.Step(problem, threads: pool.threads))
      } else {
        preconditionFailure("a pass after others needs a cache")
      }
      passes.append(PassKernels(pass: pass, products: products, attention: attention))
    }
    self.passes = passes
    rows = RowTask(shape: shape, loops: loops.layers, pool: pool)
    store = try cache.map { cache in
      try StoreTask(
        shape: shape, run: run,
        writer: CacheWriter(
          cache: cache.cache, sequences: cache.sequences, loops: cachedLoops, table: table),
        tokens: tokens, execution: execution)
    }
    if let embedding, let logitWeights, let ids, let logits {
      let last = try ledger.tensor(.fp32, [run.batch, shape.hidden], .activations)
      let scratch = try ledger.tensor(
        .fp32, [max(1, LinearWeights.rowScratch(shape.vocabulary, loops))], .workspace)
      held += [ids, scratch]
      ends = Ends(
        embedding: embedding,
        logits: try logitWeights.kernel(
          m: run.batch, a: last, c: logits, like: nil, execution: execution), last: last,
        scratch: scratch.pointer(to: Float.self),
        ids: UnsafePointer(ids.pointer(to: Int32.self)))
    } else {
      ends = nil
    }
    self.held = held
  }

  /// A layer's products on the buffers; those of one shape share their workspace over the layers.
  private static func products(
    _ shape: DecoderShape, _ layers: [[DecoderShape.Product: LinearWeights]], m: Int,
    buffers: Buffers, execution: Execution
  ) throws -> [[DecoderShape.Product: any Kernel]] {
    func ends(_ product: DecoderShape.Product) -> (a: Tensor, c: Tensor) {
      switch product {
      case .q: (buffers.normed, buffers.q)
      case .k: (buffers.normed, buffers.k)
      case .v: (buffers.normed, buffers.v)
      case .out: (buffers.attended, buffers.projected)
      case .gate: (buffers.normed, buffers.gate)
      case .up: (buffers.normed, buffers.up)
      case .down: (buffers.up, buffers.projected)
      }
    }
    var firsts: [DecoderShape.Product: any Kernel] = [:]
    return try layers.map { weights in
      var kernels: [DecoderShape.Product: any Kernel] = [:]
      for product in shape.products {
        guard let weights = weights[product] else { continue }
        let (a, c) = ends(product)
        let kernel = try weights.kernel(
          m: m, a: a.slice(0..<m), c: c.slice(0..<m), like: firsts[product], execution: execution)
        if firsts[product] == nil { firsts[product] = kernel }
        kernels[product] = kernel
      }
      return kernels
    }
  }

  /// With what came before, and places for all that will come.
  private static func cache(
    _ shape: DecoderShape, _ run: DecoderRun, seed: UInt64, in ledger: MemoryLedger
  ) throws -> (cache: KVCache, sequences: [Int])? {
    guard run.hasCache else { return nil }
    let cache = try KVCache(layout: run.cacheLayout(shape), pages: run.pages(shape), in: ledger)
    let length = shape.layers * shape.kvHeads * shape.headDim
    let sequences = try (0..<run.batch).map { index in
      let sequence = cache.addSequence()
      for start in stride(from: 0, to: run.depth, by: 16) {
        let numbers = start * length..<min(run.depth, start + 16) * length
        try cache.append(
          run.before(numbers, sequence: index, isKey: true, seed: seed),
          run.before(numbers, sequence: index, isKey: false, seed: seed), to: sequence)
      }
      _ = try cache.reserve(run.longest - run.depth, for: sequence)
      return sequence
    }
    return (cache, sequences)
  }

  // MARK: A call

  func call() {
    var place = 0
    for pass in passes {
      let rows = run.batch * pass.pass.count
      if let ends { embed(pass.pass, from: place, ends) }
      for layer in 0..<shape.layers { self.layer(layer, pass, rows: rows) }
      place += pass.pass.count
    }
    guard let ends, let pass = passes.last?.pass else { return }
    takeLast(pass, to: ends.last)
    ends.logits.run()
  }

  private func layer(_ layer: Int, _ pass: PassKernels, rows count: Int) {
    let products = pass.products[layer]
    rows.norm(buffers.x, gains + 2 * layer * shape.hidden, to: buffers.normed, rows: count)
    products[.q]?.run()
    products[.k]?.run()
    products[.v]?.run()
    switch pass.attention {
    case .direct(let kernel):
      kernel.run()
      store?.run(pass.pass, layer: layer)
    case .cached(let attention, let step):
      attention.step = step
      attention.firstHead = layer * shape.kvHeads
      attention.run()
    }
    products[.out]?.run()
    rows.addAndNorm(
      buffers.projected, to: buffers.x, gains + (2 * layer + 1) * shape.hidden,
      into: buffers.normed, rows: count)
    products[.gate]?.run()
    products[.up]?.run()
    rows.activate(gate: buffers.gate, buffers.up, rows: count)
    products[.down]?.run()
    rows.add(buffers.projected, to: buffers.x, rows: count)
  }

  /// The tokens' rows of the embedding, sequence after sequence.
  private func embed(_ pass: DecoderRun.Pass, from place: Int, _ ends: Ends) {
    let x = buffers.x.pointer(to: Float.self)
    for sequence in 0..<run.batch {
      for token in 0..<pass.count {
        let id = Int(ends.ids[sequence * run.given + place + token])
        ends.embedding.row(
          id, into: x + (sequence * pass.count + token) * shape.hidden, scratch: ends.scratch)
      }
    }
  }

  /// Of each sequence, the last token after the last norm.
  private func takeLast(_ pass: DecoderRun.Pass, to last: Tensor) {
    let x = buffers.x.pointer(to: Float.self)
    for sequence in 0..<run.batch {
      loops.layers.norm(
        x + ((sequence + 1) * pass.count - 1) * shape.hidden,
        gains + 2 * shape.layers * shape.hidden, Int64(shape.hidden), DecoderShape.epsilon,
        last.pointer(to: Float.self) + sequence * shape.hidden)
    }
  }
}
