import Kernels
import Quantities

/// A call of a known length: one number, whatever it does and for how long.
///
///     activations: 4
///
/// - Source: the operands of `self-test`.
struct SelfTestForm: KernelForm {
  init(_ values: FormValues) throws {}

  var operands: RoleBytes { RoleBytes(activations: floats(1)) }

  func memory(_: InstructionSet, threads: Int) -> KernelMemory { KernelMemory(operands: operands) }
}
