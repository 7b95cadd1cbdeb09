import Kernels
import Quantities

/// The loss of a language model with the product of its logits inside.
///
///     operands: activations e·tokens·hidden + 4·tokens,  weights 4·vocab·hidden,
///               gradients 4·(tokens + vocab)·hidden
///     kept:     workspace: 4·held rows·held outputs, three floats a token, and that of the products
///
/// - Shapes: `x` is tokens × hidden in numbers of e bytes, `w` vocab × hidden in fp32. Logits are held of all tokens
///   and outputs, or of a part of either.
/// - Source: the operands of `linear-cross-entropy`; what is held, and the products' shapes, are
///   `LinearCrossEntropy`'s.
struct LossForm: KernelForm {
  private let tokens: Int
  private let hidden: Int
  private let vocab: Int
  private let chunks: LinearCrossEntropy.Chunks
  private let precision: FloatFormat

  init(_ values: FormValues) throws {
    tokens = try values.count("tokens")
    hidden = try values.count("hidden")
    vocab = try values.count("vocab")
    precision = try values.word("precision")
    let (name, count) = try values.call(
      "loss", words: ["whole"], calls: ["tokens", "vocabulary"])
    chunks = count.map { name == "tokens" ? .tokens($0) : .vocabulary($0) } ?? .whole
    try values.check([tokens, hidden], [vocab, hidden], [tokens, vocab])
  }

  var operands: RoleBytes {
    RoleBytes(
      weights: floats(vocab * hidden), gradients: floats((tokens + vocab) * hidden),
      activations: precision.bytes(of: tokens * hidden) + floats(tokens))
  }

  func memory(_ instructions: InstructionSet, threads: Int) -> KernelMemory {
    let held = LinearCrossEntropy.sizes(rows: tokens, vocabulary: vocab, chunks)
    let products = Gemm.workspaceBytes(
      LinearCrossEntropy.shapes(
        rows: tokens, columns: hidden, vocabulary: vocab, chunks: chunks),
      instructions: instructions, threads: threads)
    return KernelMemory(
      operands: operands,
      kept: RoleBytes(
        workspace: products + floats(held.rows * held.outputs) + floats(3 * tokens)))
  }
}
