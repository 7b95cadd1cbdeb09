import Kernels
import Quantities

/// The way back through attention, after a forward pass in preparation.
///
///     operands:    activations e·rows·head-dim·(heads + 2·kv-heads),
///                  gradients 4·rows·head-dim·heads + 4·rows·head-dim·(heads + 2·kv-heads)
///     kept:        activations e·rows·head-dim·heads + 4·rows·heads, the output and the logarithms of its sums
///     preparation: the forward pass's workspace, and in 16 bits its output in fp32 besides, 4·rows·head-dim·heads;
///                  then that of the way back in its place
///
/// - Shapes: rows are batch × tokens; numbers of the precision are e bytes.
/// - Source: the operands of `attention-backward`; the workspaces are those of `AttentionPrefill` and of
///   `AttentionBackward`.
struct AttentionBackwardForm: KernelForm {
  private let shape: AttentionPrefill

  init(_ values: FormValues) throws {
    let heads = try AttentionHeads(values)
    shape = AttentionPrefill(
      batch: heads.batch, heads: heads.heads, kvHeads: heads.kvHeads, headDim: heads.headDim,
      tokens: try values.count("tokens"), mask: try values.mask(),
      precision: try values.word("precision"), instructions: .portable)
    try values.check(
      [shape.batch, shape.tokens, shape.heads, shape.headDim],
      [shape.tokens, shape.heads, values.threads], [shape.headDim, 1 << 12, values.threads])
  }

  private var queries: Int { shape.batch * shape.tokens * shape.heads }
  private var all: Int { shape.batch * shape.tokens * (shape.heads + 2 * shape.kvHeads) }

  var operands: RoleBytes {
    RoleBytes(
      gradients: floats((queries + all) * shape.headDim),
      activations: shape.precision.bytes(of: all * shape.headDim))
  }

  func memory(_ instructions: InstructionSet, threads: Int) -> KernelMemory {
    let attention = shape.computed(by: instructions)
    let numbers = queries * shape.headDim
    let forward = RoleBytes(activations: shape.precision.bytes(of: numbers) + floats(queries))
    let wide = shape.precision == .fp32 ? .zero : floats(numbers)
    let workspace = attention.workspaceBytes(threads: threads)
    return KernelMemory(
      operands: operands,
      kept: forward
        + RoleBytes(
          workspace: AttentionBackward.workspaceBytes(attention, threads: threads)),
      passing: forward + RoleBytes(workspace: wide + workspace))
  }
}
