import Kernels
import Quantities

/// Weights in a format back to fp32: nothing but the operands.
///
///     activations: 4·n·k,  weights: those stored
///
/// - Shapes: `weights` is n × k as the format has it, `values` n × k in fp32.
/// - Source: the operands of `dequantize`.
struct DequantizeForm: KernelForm {
  private let weights: StoredWeights

  init(_ values: FormValues) throws { weights = try StoredWeights(values) }

  var operands: RoleBytes {
    RoleBytes(weights: weights.bytes, activations: floats(weights.n * weights.k))
  }

  func memory(_: InstructionSet, threads: Int) -> KernelMemory { KernelMemory(operands: operands) }
}
