import Kernels
import Quantities

/// One of a layer's three products in training, packed within the call.
///
///     forward: activations e·m·k + 4·m·n,  weights e·n·k
///     input:   gradients e·m·n + 4·m·k,  weights e·n·k
///     weight:  gradients e·m·n + 4·n·k,  activations e·m·k
///
/// - Shapes: `x` is m × k, `w` n × k and `dy` m × n in numbers of e bytes; the result is in fp32. Runs keep all of
///   them, and the workspace of the packed operands.
/// - Source: the operands of `gemm`; the workspace is as `Gemm` cuts its product on this machine.
struct GemmForm: KernelForm {
  private let m: Int
  private let n: Int
  private let k: Int
  private let precision: FloatFormat
  private let pass: Pass

  private enum Pass: String, CaseIterable {
    case forward, input, weight
  }

  init(_ values: FormValues) throws {
    m = try values.count("m")
    n = try values.count("n")
    k = try values.count("k")
    precision = try values.word("precision")
    pass = try values.word("pass")
    try values.check([m, k], [n, k], [m, n])
  }

  var operands: RoleBytes {
    let (x, w) = (precision.bytes(of: m * k), precision.bytes(of: n * k))
    let dy = precision.bytes(of: m * n)
    return switch pass {
    case .forward: RoleBytes(weights: w, activations: x + floats(m * n))
    case .input: RoleBytes(weights: w, gradients: dy + floats(m * k))
    case .weight: RoleBytes(gradients: dy + floats(n * k), activations: x)
    }
  }

  func memory(_ instructions: InstructionSet, threads: Int) -> KernelMemory {
    let shape =
      switch pass {
      case .forward: Gemm.Shape(n: n, k: k)
      case .input: Gemm.Shape(n: k, k: n)
      case .weight: Gemm.Shape(n: k, k: m)
      }
    return KernelMemory(
      operands: operands,
      kept: RoleBytes(
        workspace: Gemm.workspaceBytes([shape], instructions: instructions, threads: threads)))
  }
}
