package import Kernels

/// The tensors of one problem, listed so that the harness can rotate, fence and compare them.
package protocol OperandSet {
  var operands: [Operand] { get }
}

/// One tensor of a problem and what calls do with it.
package struct Operand {
  package let name: String
  package let tensor: Tensor
  package let access: Access

  package enum Access: Sendable {
    /// Read, the same from call to call: may be packed ahead.
    case weight
    /// Read, new for each call in real use: what it costs to rearrange belongs to the call.
    case input
    /// Written.
    case output
  }

  package init(_ name: String, _ tensor: Tensor, _ access: Access) {
    self.name = name
    self.tensor = tensor
    self.access = access
  }
}
