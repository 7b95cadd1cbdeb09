import Kernels
import Quantities

/// A product of activations in fp32 with weights in a format.
///
///     activations: 4·m·k + 4·m·n,  weights: those stored
///
/// - Shapes: `a` is m × k and `c` m × n; `b` is n × k as the format has it. What is kept besides is a packed
///   product's.
/// - Source: the operands of `quantized-matmul`.
struct QuantizedMatmulForm: KernelForm {
  private let m: Int
  private let weights: StoredWeights
  private let activations: Activations

  private enum Activations: String, CaseIterable {
    case fastest, fp32, int8
  }

  init(_ values: FormValues) throws {
    m = try values.count("m")
    weights = try StoredWeights(values)
    activations = try values.word("activations")
    try values.check([m, weights.k], [m, weights.n])
    guard activations != .int8 || weights.format.isQuantized else {
      throw FormFault.noProblem(
        axis: "activations",
        what: "\(weights.format.elementType.rawValue) weights are no whole numbers",
        mend: "use fp32 activations with them")
    }
  }

  var operands: RoleBytes {
    RoleBytes(weights: weights.bytes, activations: floats(m * weights.k) + floats(m * weights.n))
  }

  func memory(_ instructions: InstructionSet, threads: Int) -> KernelMemory {
    let isRounded =
      activations == .int8 || (activations == .fastest && weights.format.isQuantized)
    let product = Matmul(
      n: weights.n, k: weights.k, weights: weights.format,
      activations: isRounded ? .int8 : .stored(.fp32), instructions: instructions)
    return KernelMemory(
      product, rows: m, operands: operands, weights: weights.bytes, threads: threads)
  }
}
