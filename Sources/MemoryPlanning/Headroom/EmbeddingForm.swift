import Kernels
import Quantities

/// Rows of a table by the ids of tokens, or the way back: nothing but the operands.
///
///     forward:  activations 4·tokens + e·tokens·hidden,  weights 4·vocab·hidden
///     backward: activations 4·tokens,  gradients 4·tokens·hidden + 4·vocab·hidden
///
/// - Shapes: `ids` are 32-bit whole numbers; the table is vocab × hidden in fp32, rows are tokens × hidden in
///   numbers of e bytes, and gradients in fp32.
/// - Source: the operands of `embedding`.
struct EmbeddingForm: KernelForm {
  private let tokens: Int
  private let vocab: Int
  private let hidden: Int
  private let precision: FloatFormat
  private let pass: ActivationRows.Pass

  init(_ values: FormValues) throws {
    tokens = try values.count("tokens")
    vocab = try values.count("vocab")
    hidden = try values.count("hidden")
    precision = try values.word("precision")
    pass = try values.word("pass")
    try values.check([tokens, hidden], [vocab, hidden])
  }

  var operands: RoleBytes {
    let (rows, table) = (tokens * hidden, vocab * hidden)
    return switch pass {
    case .forward:
      RoleBytes(weights: floats(table), activations: floats(tokens) + precision.bytes(of: rows))
    case .backward: RoleBytes(gradients: floats(rows + table), activations: floats(tokens))
    }
  }

  func memory(_: InstructionSet, threads: Int) -> KernelMemory { KernelMemory(operands: operands) }
}
