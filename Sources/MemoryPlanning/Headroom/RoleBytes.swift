import Quantities

/// Bytes that live at one moment, by what they are for.
struct RoleBytes: Hashable {
  var weights = Bytes.zero
  var gradients = Bytes.zero
  var optimizer = Bytes.zero
  var activations = Bytes.zero
  var kvCache = Bytes.zero
  var workspace = Bytes.zero

  var total: Bytes { weights + gradients + optimizer + activations + kvCache + workspace }

  var byRole: [MemoryRole: Bytes] {
    [
      .weights: weights, .gradients: gradients, .optimizer: optimizer, .activations: activations,
      .kvCache: kvCache, .workspace: workspace,
    ]
  }

  static func + (left: RoleBytes, right: RoleBytes) -> RoleBytes {
    RoleBytes(
      weights: left.weights + right.weights, gradients: left.gradients + right.gradients,
      optimizer: left.optimizer + right.optimizer,
      activations: left.activations + right.activations, kvCache: left.kvCache + right.kvCache,
      workspace: left.workspace + right.workspace)
  }

  static func - (left: RoleBytes, right: RoleBytes) -> RoleBytes {
    RoleBytes(
      weights: left.weights - right.weights, gradients: left.gradients - right.gradients,
      optimizer: left.optimizer - right.optimizer,
      activations: left.activations - right.activations, kvCache: left.kvCache - right.kvCache,
      workspace: left.workspace - right.workspace)
  }
}

/// Bytes of so many numbers in fp32.
func floats(_ count: Int) -> Bytes { ElementType.fp32.bytes(of: count) }
