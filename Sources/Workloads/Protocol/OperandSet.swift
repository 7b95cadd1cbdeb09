package import Kernels

/// The tensors of one problem, listed so that the harness can rotate, fence and compare them.
package protocol OperandSet {
  /// All of them, each under a name of its own; a workload's first output is the one that is checked.
  var operands: [Operand] { get }
}

/// One tensor of a problem and what calls do with it.
package struct Operand {
  package let name: String
  package let tensor: Tensor
  package let access: Access

  /// What calls do with a tensor.
  package enum Access: Sendable {
    /// Read, the same from call to call: may be packed ahead.
    case weight
    /// Read, new for each call in real use: what it costs to rearrange belongs to the call.
    case input
    /// Written.
    case output
  }

  /// - Parameter name: as results name it: `a`, `weights`.
  package init(_ name: String, _ tensor: Tensor, _ access: Access) {
    self.name = name
    self.tensor = tensor
    self.access = access
  }
}
