package import Kernels

/// Numbers that a case computed on, or that came out, for another program to compute them again.
package struct WitnessTensor {
  package let name: String
  package let shape: [Int]
  package let content: Content

  package enum Content {
    /// As they lie: quantized ones by their bytes.
    case tensor(Tensor)
    case floats([Float])
    case doubles([Double])
    /// A tensor whose elements are 32-bit whole numbers.
    case integers(Tensor)
  }

  package init(_ name: String, _ shape: [Int], _ content: Content) {
    self.name = name
    self.shape = shape
    self.content = content
  }

  package init(_ name: String, _ tensor: Tensor) {
    self.init(name, tensor.shape, .tensor(tensor))
  }
}

/// A kernel that has more to show than its operands: weights of its own, or what comes up within a call.
package protocol WitnessedKernel: Kernel {
  /// Runs its calls itself: the first, and so many further ones.
  func witness(furtherCalls: Int) -> [WitnessTensor]
  /// Writes what other programs read as a folder, as adapters are kept; most have nothing of the kind.
  func writeFolder(_ path: String) throws
}

extension WitnessedKernel {
  package func writeFolder(_ path: String) throws {}
}

extension Workload {
  /// What a case computes on and what comes out: its operands, after one call, and what its kernel has to show.
  package static func witness(
    of problem: Problem, _ operands: Operands, _ kernel: any Kernel, furtherCalls: Int
  ) -> [WitnessTensor] {
    if let kernel = kernel as? any WitnessedKernel {
      return kernel.witness(furtherCalls: furtherCalls)
    }
    kernel.run()
    return operands.operands.map { WitnessTensor($0.name, $0.tensor) }
  }
}
