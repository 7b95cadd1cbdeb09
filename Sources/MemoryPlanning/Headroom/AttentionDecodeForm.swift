import Kernels
import Quantities

/// A step of decoding, with a cache or without.
///
///     with:     activations 4·new·head-dim·(2·heads + 2·kv-heads),  KV cache: its pages
///               workspace: spans and threads, and 4·positions·head-dim where queries and keys are rotated
///     without:  activations 4·new·hidden + 4·2·all·hidden,  weights 4·2·kv-heads·head-dim·hidden
///               kept: both weights packed; workspace 4·2·all·kv-heads·head-dim + 4·all·hidden, as much as that
///               again where queries are rotated, the table, the products', the attention's
///
/// - Shapes: hidden is heads · head-dim; new tokens are those of all sequences, all tokens with their contexts.
///   Positions are those from the first new token of the shortest sequence to the last of the longest. Everything
///   but the cache is in fp32.
/// - Source: the operands of `attention-decode`; workspaces are those of `CachedAttention`, `Matmul` and
///   `AttentionPrefill`, pages those of `CacheLayout`.
struct AttentionDecodeForm: KernelForm {
  private let heads: AttentionHeads
  private let newTokens: Int
  private let contexts: [Int]
  private let mask: AttentionMask
  private let rotary: Rotary
  private let hasCache: Bool
  private let cache: CacheFormat

  private enum Lengths: String, CaseIterable {
    case same, mixed
  }
  private enum CacheSwitch: String, CaseIterable {
    case on, off
  }

  init(_ values: FormValues) throws {
    heads = try AttentionHeads(values)
    newTokens = try values.count("new-tokens")
    mask = try values.mask()
    rotary = try values.rotary(headDim: heads.headDim)
    hasCache = try values.word("kv-cache") == CacheSwitch.on
    cache = try values.cache()
    try values.check(cache, headDim: heads.headDim)
    let context = try values.count("context")
    let (batch, most) = (heads.batch, max(heads.batch, values.threads))
    // A list has the context of each sequence: more than 65,535 are no batch.
    try values.check(
      [batch, 1 << 32], [batch, context + newTokens + 256, heads.heads, heads.headDim],
      [heads.heads, heads.headDim, heads.kvHeads, heads.headDim],
      [newTokens, heads.heads, heads.headDim, most],
      [context + newTokens, heads.heads, most], [heads.headDim, 1 << 10, most])
    let lengths: Lengths = try values.word("lengths")
    contexts = (0..<batch).map {
      lengths == .same ? context : max(1, context * (batch - $0) / batch)
    }
  }

  private var new: Int { heads.batch * newTokens }
  private var hidden: Int { heads.heads * heads.headDim }
  private var keys: Int { heads.kvHeads * heads.headDim }
  private var tokens: Int { contexts.reduce(0) { $0 + $1 + newTokens } }

  private var layout: CacheLayout {
    cache.layout(
      kvHeads: heads.kvHeads, headDim: heads.headDim,
      longest: (contexts.max() ?? 0) + newTokens)
  }

  var operands: RoleBytes {
    guard hasCache else {
      return RoleBytes(
        weights: floats(2 * keys * hidden), activations: floats((new + 2 * tokens) * hidden))
    }
    let layout = layout
    let pages = contexts.reduce(0) {
      $0 + ($1 + newTokens + layout.pageTokens - 1) / layout.pageTokens
    }
    return RoleBytes(
      activations: floats(2 * new * (hidden + keys)), kvCache: layout.bytes(pages: pages))
  }

  func memory(_ instructions: InstructionSet, threads: Int) -> KernelMemory {
    let operation = AttentionDecode(
      heads: heads.heads, kvHeads: heads.kvHeads, headDim: heads.headDim, contexts: contexts,
      newTokens: newTokens, mask: mask, rotary: rotary, instructions: instructions)
    return hasCache ? cached(operation, threads) : recomputed(operation, threads)
  }

  private func table(_ positions: Int) -> Bytes {
    rotary.isNone ? .zero : RotaryTable.bytes(positions: positions, headDim: heads.headDim)
  }

  private func cached(_ operation: AttentionDecode, _ threads: Int) -> KernelMemory {
    KernelMemory(
      operands: operands,
      kept: RoleBytes(
        workspace: table(operation.newPositions.count)
          + CachedAttention.workspaceBytes(operation, layout, threads: threads)))
  }

  private func recomputed(_ operation: AttentionDecode, _ threads: Int) -> KernelMemory {
    let product = operation.projection
    let packed = product.packedBytes
    let products = product.workspaceBytes(rows: tokens, maxRows: tokens, threads: threads) * 2
    let attentions = operation.allTokens.reduce(Bytes.zero) {
      $0 + $1.attention.workspaceBytes(threads: threads)
    }
    let states = floats(tokens * (2 * keys + (rotary.isNone ? 1 : 2) * hidden))
    return KernelMemory(
      operands: operands,
      kept: RoleBytes(
        weights: (packed ?? .zero) * 2,
        workspace: states + table(operation.longest) + products + attentions),
      released: RoleBytes(weights: packed == nil ? .zero : operands.weights))
  }
}
