import Kernels
import Quantities

/// A step of an optimizer through a parameter that is the kernel's own.
///
///     operands: gradients 4·n,  activations 4·the weights that are checked
///     kept:     weights 4·n,  optimizer: the rule's states
///
/// - Shapes: n numbers in fp32; of more than 4096 weights 256 stretches of 16 are checked, and of fewer all.
/// - Source: the operands of `optimizer`; states are as `Optimizer.Rule` says.
struct OptimizerForm: KernelForm {
  private let n: Int
  private let rule: Optimizer.Rule

  init(_ values: FormValues) throws {
    n = try values.count("n")
    rule = try values.word("rule")
  }

  var operands: RoleBytes {
    RoleBytes(gradients: floats(n), activations: floats(n <= 4096 ? n : 256 * 16))
  }

  func memory(_: InstructionSet, threads: Int) -> KernelMemory {
    KernelMemory(
      operands: operands,
      kept: RoleBytes(weights: floats(n), optimizer: rule.stateBytes(of: n)))
  }
}
