package import Kernels
package import Quantities

/// A decoder-only transformer's layers, with its embedding and logits where it has them, run over the passes
/// of a call.
///
///     x ← x + out · attention(q · norm(x), k · norm(x), v · norm(x))
///     x ← x + down · (silu(gate · norm(x)) ∘ (up · norm(x))),  logits = w · norm(x)
///
/// - Shapes: `ids` is batch × given tokens, `logits` batch × vocab, of each sequence's last token, in fp32;
///   without them `x` is tokens × hidden, read and written. Activations are fp32; quantized weights round
///   them to 8 bits within each product.
/// - Work: each pass reads all weights once, and what the cache has.
/// - Source: Touvron et al., "LLaMA" (2023); Zhang and Sennrich, "Root Mean Square Layer Normalization"
///   (2019).
package final class Transformer {
  private let shape: ModelShape
  private let run: DecoderRun
  private let weights: TransformerWeights
  private let buffers: TransformerBuffers
  private let cache: TransformerCache?
  private let passes: [PassKernels]
  private let rows: RowOperations
  private let vocabulary: VocabularyKernels?

  /// What a transformer reads and writes.
  package enum Operands {
    /// Rows that the layers work on where they are.
    case rows(Tensor)
    /// Given tokens, sequence after sequence, as 32-bit whole numbers; and logits.
    case tokens(ids: Tensor, logits: Tensor)
  }

  /// Embedding and logits: the last tokens' alone.
  private struct VocabularyKernels {
    let embedding: PackedWeights
    let logits: any Kernel
    /// Of each sequence, the last token after the last norm.
    let last: Tensor
    let scratch: Tensor
    let ids: Tensor
  }

  /// Packs the weights, fills the cache with the tokens before, and prepares the kernels of all passes.
  ///
  /// - Parameters:
  ///   - weights: the values of all matrices and gains.
  ///   - format: the matrices are stored in it; embedding and logits, too.
  ///   - seed: what the cache has of the tokens before is made up by it.
  ///   - operands: rows where the shape has no vocabulary, else tokens.
  /// - Throws: `LedgerFault` where weights, cache, buffers or workspace do not fit.
  package init(
    _ shape: ModelShape, weights: any ModelWeights, format: ElementType, run: DecoderRun,
    seed: UInt64, _ operands: Operands, instructions: InstructionSet, _ execution: Execution
  ) throws {
    self.shape = shape
    self.run = run
    // Weights first: while they are packed there is little else.
    let weights = try TransformerWeights(
      shape, format, weights, run: run, instructions, execution)
    var x: Tensor?
    if case .rows(let given) = operands { x = given }
    let buffers = try TransformerBuffers(
      shape, maxRows: run.maxRows, x: x, in: execution.ledger)
    let cache =
      run.hasCache
      ? try TransformerCache(shape, run, seed: seed, buffers, instructions, execution) : nil
    passes = try PassKernels.all(
      of: run, shape, weights, buffers, cache, instructions, execution)
    rows = RowOperations(
      epsilon: ModelShape.epsilon, instructions: instructions, pool: execution.pool)
    if let packed = weights.vocabulary, case .tokens(let ids, let logits) = operands {
      vocabulary = try Self.vocabulary(packed, shape, run, ids, logits, execution)
    } else {
      vocabulary = nil
    }
    (self.weights, self.buffers, self.cache) = (weights, buffers, cache)
  }

  private static func vocabulary(
    _ weights: TransformerWeights.Vocabulary, _ shape: ModelShape, _ run: DecoderRun,
    _ ids: Tensor, _ logits: Tensor, _ execution: Execution
  ) throws -> VocabularyKernels {
    let ledger = execution.ledger
    let last = try ledger.tensor(.fp32, [run.batch, shape.hidden], .activations)
    return VocabularyKernels(
      embedding: weights.embedding,
      logits: weights.logits.kernel(
        a: last, c: logits, try weights.logits.workspace(rows: run.batch, execution)),
      last: last,
      scratch: try ledger.tensor(.fp32, [max(1, weights.embedding.rowScratch)], .workspace),
      ids: ids)
  }

  /// Bytes of its cache that hold no token.
  package var unusedBytes: Bytes { cache?.cache.unusedBytes ?? .zero }

  /// Runs all passes of a call, and the logits where there are such. The next call does the same again: it
  /// stores its tokens where this one did.
  package func call() {
    var place = 0
    for kernels in passes {
      if let vocabulary { embed(kernels.pass, from: place, vocabulary) }
      for layer in 0..<shape.layers { run(layer, of: kernels) }
      place += kernels.pass.count
    }
    guard let vocabulary, let last = passes.last?.pass else { return }
    takeLast(last, to: vocabulary.last)
    vocabulary.logits.run()
  }

  private func run(_ layer: Int, of kernels: PassKernels) {
    let products = kernels.products[layer]
    let (count, hidden) = (run.batch * kernels.pass.count, shape.hidden)
    let (x, normed) = (floats(buffers.x), floats(buffers.normed))
    let (projected, up) = (floats(buffers.projected), floats(buffers.up))
    let gain = weights.gains + 2 * layer * hidden
    rows.norm(x, gain: gain, to: normed, rows: count, columns: hidden)
    products[.q]?.run()
    products[.k]?.run()
    products[.v]?.run()
    attend(layer, kernels)
    products[.out]?.run()
    rows.addAndNorm(
      projected, to: x, gain: gain + hidden, into: normed, rows: count, columns: hidden)
    products[.gate]?.run()
    products[.up]?.run()
    if shape.mlp == .swiglu {
      rows.swiglu(gate: floats(buffers.gate), up, rows: count, columns: shape.ffn)
    } else {
      rows.gelu(up, rows: count, columns: shape.ffn)
    }
    products[.down]?.run()
    rows.add(projected, to: x, rows: count, columns: hidden)
  }

  private func attend(_ layer: Int, _ kernels: PassKernels) {
    let firstHead = layer * shape.kvHeads
    switch kernels.attention {
    case .direct(let kernel):
      kernel.run()
      cache?.store.run(kernels.pass.positions, firstHead: firstHead)
    case .cached(let attention, let step):
      attention.step = step
      attention.firstHead = firstHead
      attention.run()
    }
  }

  /// The tokens' rows of the embedding, sequence after sequence.
  private func embed(_ pass: DecoderRun.Pass, from place: Int, _ kernels: VocabularyKernels) {
    let x = floats(buffers.x)
    let ids = kernels.ids.pointer(to: Int32.self)
    for sequence in 0..<run.batch {
      for token in 0..<pass.count {
        kernels.embedding.row(
          Int(ids[sequence * run.given + place + token]),
          into: x + (sequence * pass.count + token) * shape.hidden,
          scratch: floats(kernels.scratch))
      }
    }
  }

  /// Of each sequence, the last token after the last norm.
  private func takeLast(_ pass: DecoderRun.Pass, to last: Tensor) {
    let x = floats(buffers.x)
    for sequence in 0..<run.batch {
      rows.norm(
        x + ((sequence + 1) * pass.count - 1) * shape.hidden,
        gain: weights.gains + 2 * shape.layers * shape.hidden,
        to: floats(last) + sequence * shape.hidden, rows: 1, columns: shape.hidden)
    }
  }

  private func floats(_ tensor: Tensor) -> UnsafeMutablePointer<Float> {
    tensor.pointer(to: Float.self)
  }
}
