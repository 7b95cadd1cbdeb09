import Kernels
import Quantities

/// A product of activations with weights, both in one precision.
///
///     activations: e·m·k + 4·m·n,  weights: e·n·k
///
/// - Shapes: `a` is m × k and `b` n × k in numbers of e bytes, `c` m × n in fp32. What is kept besides is a packed
///   product's.
/// - Source: the operands of `matmul`.
struct MatmulForm: KernelForm {
  private let m: Int
  private let n: Int
  private let k: Int
  private let precision: FloatFormat

  init(_ values: FormValues) throws {
    m = try values.count("m")
    n = try values.count("n")
    k = try values.count("k")
    precision = try values.word("precision")
    try values.check([m, k], [n, k], [m, n], [k, values.threads])
  }

  private var weights: Bytes { precision.bytes(of: n * k) }

  var operands: RoleBytes {
    RoleBytes(weights: weights, activations: precision.bytes(of: m * k) + floats(m * n))
  }

  func memory(_ instructions: InstructionSet, threads: Int) -> KernelMemory {
    let product = Matmul(
      n: n, k: k, weights: WeightFormat(precision.elementType), activations: .stored(precision),
      instructions: instructions)
    return KernelMemory(product, rows: m, operands: operands, weights: weights, threads: threads)
  }
}
