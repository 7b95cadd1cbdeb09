import Kernels
import Quantities

/// Attention of all tokens of a prompt at once.
///
///     activations: batch·tokens·head-dim·(e·(heads + 2·kv-heads) + 4·heads)
///     workspace:   by tiles, threads times a tile's, and 4·tokens·head-dim where queries and keys are rotated
///     naive:       4·batch·heads·tokens², all scores
///
/// - Shapes: `q` and `o` are batch × tokens × heads × head-dim, `k` and `v` batch × tokens × kv-heads × head-dim;
///   `o` in fp32, the others in numbers of e bytes.
/// - Source: the operands of `attention-prefill`; how a tile is cut is `AttentionPrefill`'s.
struct AttentionPrefillForm: KernelForm {
  private let shape: AttentionPrefill
  private let values: FormValues

  init(_ values: FormValues) throws {
    self.values = values
    let heads = try AttentionHeads(values)
    shape = AttentionPrefill(
      batch: heads.batch, heads: heads.heads, kvHeads: heads.kvHeads, headDim: heads.headDim,
      tokens: try values.count("tokens"), mask: try values.mask(),
      precision: try values.word("precision"), rotary: try values.rotary(headDim: heads.headDim),
      instructions: .portable)
    try values.check(
      [shape.batch, shape.tokens, shape.heads, shape.headDim],
      [shape.tokens, shape.heads, values.threads], [shape.headDim, 1 << 10, values.threads])
  }

  var operands: RoleBytes {
    let rows = shape.batch * shape.tokens * shape.headDim
    return RoleBytes(
      activations: shape.precision.bytes(of: rows * (shape.heads + 2 * shape.kvHeads))
        + floats(rows * shape.heads))
  }

  func memory(_ instructions: InstructionSet, threads: Int) -> KernelMemory {
    let attention = shape.computed(by: instructions)
    return KernelMemory(
      operands: operands,
      kept: RoleBytes(
        workspace: attention.tableBytes + attention.workspaceBytes(threads: threads)))
  }

  var naive: KernelMemory? {
    get throws {
      try values.check([shape.batch, shape.tokens, shape.tokens, shape.heads])
      return KernelMemory(
        operands: operands, kept: RoleBytes(workspace: shape.naiveWorkspaceBytes))
    }
  }
}

extension AttentionPrefill {
  /// The same with other instructions.
  func computed(by instructions: InstructionSet) -> AttentionPrefill {
    AttentionPrefill(
      batch: batch, heads: heads, kvHeads: kvHeads, headDim: headDim, tokens: tokens, mask: mask,
      precision: precision, rotary: rotary, instructions: instructions)
  }
}
