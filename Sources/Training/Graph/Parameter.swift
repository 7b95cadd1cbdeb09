package import Kernels
package import Quantities

/// Weights of a step, by the name that published models use.
package final class Parameter: Sendable {
  package let name: String
  /// Stored a row per output; a norm's gain is one row.
  package let tensor: Tensor
  package let isTrained: Bool
  /// Adapters are accounted for apart.
  package let role: MemoryRole

  /// - Parameter isTrained: whether it has a gradient and is updated; else it is frozen.
  package init(name: String, tensor: Tensor, isTrained: Bool, role: MemoryRole = .weights) {
    self.name = name
    self.tensor = tensor
    self.isTrained = isTrained
    self.role = role
  }

  package var count: Int { tensor.count }
  var floats: UnsafeMutablePointer<Float> { tensor.pointer(to: Float.self) }
}
