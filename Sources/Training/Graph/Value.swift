import Kernels
package import Quantities

/// A tensor of the forward pass, whoever computes it and as often as that happens.
package struct Value: Hashable, Sendable {
  let index: Int
}

/// What is known of a value before it has memory.
package struct ValueFacts: Sendable {
  package let name: String
  /// The layer that it is of; nil before the first and after the last.
  package let layer: Int?
  package let part: Part
  package let rows: Int
  package let columns: Int
  package let element: FloatFormat

  package var count: Int { rows * columns }
  package var bytes: Bytes { element.bytes(of: count) }

  /// What a value is in its layer: which of them are kept is decided by it.
  package enum Part: Hashable, Sendable {
    /// What a layer is given.
    case input
    /// Between attention and the network.
    case middle
    /// What norms and SwiGLU write: a pass over memory makes them again.
    case pointwise
    /// Queries, keys and values.
    case projected
    /// What goes into SwiGLU.
    case expanded
    /// Attention's output, and the logarithms of its sums.
    case attended
    /// Attention's weights, where they are kept in memory.
    case scores
    /// A few numbers of each row.
    case small
  }
}
