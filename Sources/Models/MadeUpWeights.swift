package import Kernels

/// Weights of a model that nobody trained: the same for the same seed, each matrix with its own.
package struct MadeUpWeights: ModelWeights {
  package let shape: ModelShape
  package let seed: UInt64

  /// The same shape and seed give the same weights.
  package init(_ shape: ModelShape, seed: UInt64) {
    self.shape = shape
    self.seed = seed
  }

  /// One product's matrix in one layer, n × k as `ModelShape.matrix` says.
  package func matrix(_ product: ModelShape.Product, layer: Int) -> WeightSource {
    source(8 * layer + product.rawValue + 2, columns: shape.matrix(product).k)
  }

  /// The embedding, vocab × hidden.
  package var embedding: WeightSource { source(0, columns: shape.hidden) }

  /// The matrix of the logits, vocab × hidden: the embedding itself where they are tied.
  package var logits: WeightSource { source(shape.isTied ? 0 : 1, columns: shape.hidden) }

  private func source(_ index: Int, columns: Int) -> WeightSource {
    WeightSource(columns: columns, seed: seed &+ 0x9E37_79B9_7F4A_7C15 &* UInt64(index + 1))
  }

  /// One number of a norm's gain, from 0.75 to 1.25. Norms are counted as in `ModelShape.gains`: those of
  /// layer l are 2 l and 2 l + 1.
  package func gain(_ index: Int, _ column: Int) -> Float {
    let mixed = hash32(UInt32(truncatingIfNeeded: seed), UInt32(index))
    return 1 + 0.25 * uniform(mixed, column)
  }
}
