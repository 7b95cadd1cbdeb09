package import Kernels

/// Where a transformer's weights come from.
package protocol ModelWeights: Sendable {
  associatedtype Source: MatrixSource

  func matrix(_ product: ModelShape.Product, layer: Int) -> Source
  var embedding: Source { get }
  /// Not asked for where logits are products with the embedding.
  var logits: Source { get }
  /// One number of a norm's gain, by the norm's place: two of each layer, and the last.
  func gain(_ index: Int, _ column: Int) -> Float
}

/// A matrix of weights that is stored when it is asked for, so that one at a time takes memory.
package protocol MatrixSource: Sendable {
  /// The matrix in a format, as rows of outputs; where memory is only planned, its bytes alone.
  func tensor(_ format: WeightFormat, rows: Int, in ledger: MemoryLedger) throws -> Tensor
}

extension WeightSource: MatrixSource {}
