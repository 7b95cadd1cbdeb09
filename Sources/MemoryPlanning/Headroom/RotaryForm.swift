import Kernels
import Quantities

/// Rotary embedding of all tokens' heads.
///
///     activations: 2·e·batch·tokens·heads·head-dim,  workspace: 4·tokens·head-dim
///
/// - Shapes: `x` and `y` are batch × tokens × heads × head-dim in numbers of e bytes; the table has a cosine and a
///   sine in fp32 for each pair of each position.
/// - Source: the operands of `rope`; `RotaryTable`.
struct RotaryForm: KernelForm {
  private let count: Int
  private let tokens: Int
  private let headDim: Int
  private let precision: FloatFormat

  init(_ values: FormValues) throws {
    let (batch, heads) = (try values.count("batch"), try values.count("heads"))
    tokens = try values.count("tokens")
    headDim = try values.count("head-dim")
    precision = try values.word("precision")
    let rope: RotaryLayout = try values.word("rope")
    guard rope != .none, headDim.isMultiple(of: 2) else {
      throw FormFault.noProblem(
        axis: "rope", what: "pairs are rotated: rope is \(rope.rawValue), head-dim \(headDim)",
        mend: "use llama or neox, and an even head-dim")
    }
    try values.check([batch, tokens, heads, headDim])
    count = batch * tokens * heads * headDim
  }

  var operands: RoleBytes { RoleBytes(activations: precision.bytes(of: 2 * count)) }

  func memory(_: InstructionSet, threads: Int) -> KernelMemory {
    KernelMemory(
      operands: operands,
      kept: RoleBytes(workspace: RotaryTable.bytes(positions: tokens, headDim: headDim)))
  }
}
