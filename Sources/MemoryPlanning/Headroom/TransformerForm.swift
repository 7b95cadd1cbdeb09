import Kernels
import Models
import Quantities

/// A transformer's weights, buffers, cache and kernels, which its workloads keep besides their operands.
///
///     weights:     layers times the packed matrices of a layer, embedding and logits; 4·gains·hidden
///     packing:     while a matrix is packed, all before it, and that matrix twice: as stored, and packed
///     activations: 4·rows·(2·hidden + 2·queries + 2·keys + ffn), of swiglu 4·rows·ffn besides; with a vocabulary
///                  4·rows·hidden for the rows that layers work on, and 4·batch·hidden for the last tokens
///     KV cache:    the pages of all tokens, of all layers' heads
///     workspace:   that of each product and each number of rows, which layers share; that of attention, to a
///                  pass's own tokens, or to the cache; a table of rotations; a key for each thread
///
/// - Shapes: rows are the most tokens of all sequences that go through the layers at once; queries are heads ·
///   head-dim, keys kv-heads · head-dim.
/// - Source: `Transformer`, which prepares in this order: weights first, while there is little else.
struct TransformerForm {
  let shape: ModelShape
  let run: DecoderRun
  let format: WeightFormat
  let instructions: InstructionSet
  let threads: Int

  func memory(operands: RoleBytes) -> KernelMemory {
    let (weights, packing) = packed
    var kept = RoleBytes(
      weights: weights + floats(shape.gains * shape.hidden), activations: buffers,
      workspace: passes)
    if run.hasCache {
      kept.kvCache = run.cacheLayout(shape).bytes(pages: run.pages(shape))
      kept.workspace += CacheStore.workspaceBytes(headDim: shape.headDim, threads: threads)
      if !run.rotary.isNone {
        kept.workspace += RotaryTable.bytes(positions: run.longest, headDim: shape.headDim)
      }
    }
    if shape.vocab > 0 {
      let logits = product(shape.vocabulary)
      kept.activations += floats(run.batch * shape.hidden)
      kept.workspace += logits.workspaceBytes(
        rows: run.batch, maxRows: run.batch, threads: threads)
      kept.workspace += floats(max(1, logits.rowScratch))
    }
    return KernelMemory(
      operands: operands, kept: kept, passing: RoleBytes(weights: packing))
  }

  private func product(_ matrix: ModelShape.Matrix) -> Matmul {
    Matmul(
      n: matrix.n, k: matrix.k, weights: format,
      activations: format.isQuantized ? .int8 : .stored(.fp32), instructions: instructions)
  }

  /// All matrices once they are packed, and the most that lives while they are. Later layers are packed beside
  /// earlier ones, so that the last one's matrices are those that count.
  private var packed: (all: Bytes, peak: Bytes) {
    var (layer, peak) = (Bytes.zero, Bytes.zero)
    for product in shape.products { pack(shape.matrix(product), &layer, &peak) }
    var all = layer * shape.layers
    peak += layer * (shape.layers - 1)
    guard shape.vocab > 0 else { return (all, peak) }
    for _ in 0..<(shape.isTied ? 1 : 2) { pack(shape.vocabulary, &all, &peak) }
    return (all, peak)
  }

  /// Packs a matrix beside what lives.
  private func pack(_ matrix: ModelShape.Matrix, _ live: inout Bytes, _ peak: inout Bytes) {
    let stored = format.bytes(rows: matrix.n, columns: matrix.k)
    let packed = product(matrix).packedBytes
    peak = max(peak, live + stored + (packed ?? .zero))
    live += packed ?? stored
  }

  private var buffers: Bytes {
    let (queries, keys) = (shape.heads * shape.headDim, shape.kvHeads * shape.headDim)
    let rows = (shape.vocab > 0 ? 3 : 2) * shape.hidden
    let networks = (shape.mlp == .swiglu ? 2 : 1) * shape.ffn
    return floats(maxRows * (rows + 2 * queries + 2 * keys + networks))
  }

  /// As `DecoderRun.passes`, of those that differ in their place alone the first.
  private var kinds: [DecoderRun.Pass] {
    guard run.hasCache else { return [DecoderRun.Pass(first: 0, count: run.longest)] }
    var kinds: [DecoderRun.Pass] = []
    if run.prompt > 0 { kinds.append(DecoderRun.Pass(first: run.depth, count: run.prompt)) }
    // A prompt of one token is a token like those that follow.
    if run.tokens > 0, run.prompt != 1 {
      kinds.append(DecoderRun.Pass(first: run.depth + run.prompt, count: 1))
    }
    return kinds
  }

  private var maxRows: Int { run.batch * (kinds.map(\.count).max() ?? 1) }

  /// The workspaces of all passes: those of one length share their kernels.
  private var passes: Bytes {
    let products = shape.products.map { product(shape.matrix($0)) }
    let maxRows = maxRows
    var bytes = Bytes.zero
    for pass in kinds {
      for product in products {
        bytes += product.workspaceBytes(
          rows: run.batch * pass.count, maxRows: maxRows, threads: threads)
      }
      bytes += attention(pass)
    }
    return bytes
  }

  private func attention(_ pass: DecoderRun.Pass) -> Bytes {
    guard run.isDirect(pass) else {
      return CachedAttention.workspaceBytes(
        run.attention(shape, pass, instructions), run.cacheLayout(shape), threads: threads)
    }
    let attention = run.prefill(shape, pass, instructions)
    return attention.tableBytes + attention.workspaceBytes(threads: threads)
  }
}
