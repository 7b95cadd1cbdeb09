package import Kernels

/// Weights of a model that nobody trained: the same for the same seed, each matrix with its own.
package struct MadeUpWeights: ModelWeights {
  package let shape: ModelShape
  package let seed: UInt64

  package init(_ shape: ModelShape, seed: UInt64) {
    self.shape = shape
    self.seed = seed
  }

  package func matrix(_ product: ModelShape.Product, layer: Int) -> WeightSource {
    source(8 * layer + product.rawValue + 2, columns: shape.matrix(product).k)
  }

  package var embedding: WeightSource { source(0, columns: shape.hidden) }

  package var logits: WeightSource { source(shape.isTied ? 0 : 1, columns: shape.hidden) }

  private func source(_ index: Int, columns: Int) -> WeightSource {
    WeightSource(columns: columns, seed: seed &+ 0x9E37_79B9_7F4A_7C15 &* UInt64(index + 1))
  }

  /// One number of a norm's gain.
  package func gain(_ index: Int, _ column: Int) -> Float {
    let mixed = hash32(UInt32(truncatingIfNeeded: seed), UInt32(index))
    return 1 + 0.25 * uniform(mixed, column)
  }
}
