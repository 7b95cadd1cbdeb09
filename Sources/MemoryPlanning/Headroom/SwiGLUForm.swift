import Kernels
import Quantities

/// The gated unit of a layer's network, or its way back: nothing but the operands.
///
///     forward:  activations 3·e·rows·columns
///     backward: activations 2·e·rows·columns,  gradients 4·rows·columns + 4·2·rows·columns
///
/// - Shapes: `gate`, `up` and `y` are rows × columns in numbers of e bytes; gradients are in fp32, one that comes in
///   and two that go out.
/// - Source: the operands of `swiglu`.
struct SwiGLUForm: KernelForm {
  private let rows: ActivationRows

  init(_ values: FormValues) throws { rows = try ActivationRows(values) }

  var operands: RoleBytes {
    switch rows.pass {
    case .forward: RoleBytes(activations: rows.stored * 3)
    case .backward: RoleBytes(gradients: floats(3 * rows.count), activations: rows.stored * 2)
    }
  }

  func memory(_: InstructionSet, threads: Int) -> KernelMemory { KernelMemory(operands: operands) }
}
