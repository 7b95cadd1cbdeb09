import Kernels
import Quantities

/// The norm of a layer's rows, or its way back: nothing but the operands.
///
///     forward:  activations 2·e·rows·columns + 4·rows,  weights 4·columns
///     backward: activations e·rows·columns + 4·rows,  weights 4·columns,
///               gradients 4·rows·columns + 4·(rows + 1)·columns
///
/// - Shapes: `x` and `y` are rows × columns in numbers of e bytes, a gain is columns and `inverse` rows in fp32. On
///   the way back the gradients of the rows have that of the gain as one row more.
/// - Source: the operands of `rms-norm`.
struct NormForm: KernelForm {
  private let rows: ActivationRows

  init(_ values: FormValues) throws { rows = try ActivationRows(values) }

  var operands: RoleBytes {
    var bytes = RoleBytes(
      weights: floats(rows.columns), activations: rows.stored + floats(rows.rows))
    switch rows.pass {
    case .forward: bytes.activations += rows.stored
    case .backward: bytes.gradients = floats(2 * rows.count + rows.columns)
    }
    return bytes
  }

  func memory(_: InstructionSet, threads: Int) -> KernelMemory { KernelMemory(operands: operands) }
}
