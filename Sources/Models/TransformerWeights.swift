import Kernels
import Quantities

/// A model's weights, packed for its instructions.
struct TransformerWeights {
  /// By layer and product.
  let layers: [[ModelShape.Product: PackedWeights]]
  /// Nil for layers alone.
  let vocabulary: Vocabulary?
  private let gainTensor: Tensor

  struct Vocabulary {
    let embedding: PackedWeights
    /// The same weights where they are tied.
    let logits: PackedWeights
  }

  /// A norm's gains, all layers' one after the other.
  var gains: UnsafeMutablePointer<Float> { gainTensor.pointer(to: Float.self) }

  /// One matrix after the other is packed, and then no longer there as it was stored.
  init(
    _ shape: ModelShape, _ format: ElementType, _ weights: any ModelWeights, run: DecoderRun,
    _ instructions: InstructionSet, _ execution: Execution
  ) throws {
    let format = WeightFormat.usual(format)
    func pack(_ matrix: ModelShape.Matrix, _ source: any MatrixSource, maxRows: Int) throws
      -> PackedWeights
    {
      let product = Matmul(
        n: matrix.n, k: matrix.k, weights: format,
        activations: format.isQuantized ? .int8 : .stored(.fp32), instructions: instructions)
      return try PackedWeights(
        product, source.tensor(format, rows: matrix.n, in: execution.ledger), maxRows: maxRows,
        execution)
    }
    layers = try (0..<shape.layers).map { layer in
      try Dictionary(
        uniqueKeysWithValues: shape.products.map { product in
          (
            product,
            try pack(
              shape.matrix(product), weights.matrix(product, layer: layer),
              maxRows: run.maxRows)
          )
        })
    }
    if shape.vocab > 0 {
      let logits = try pack(shape.vocabulary, weights.logits, maxRows: run.batch)
      let embedding =
        shape.isTied
        ? logits : try pack(shape.vocabulary, weights.embedding, maxRows: run.batch)
      vocabulary = Vocabulary(embedding: embedding, logits: logits)
    } else {
      vocabulary = nil
    }
    gainTensor = try execution.ledger.tensor(.fp32, [shape.gains, shape.hidden], .weights)
    if !gainTensor.isPlan { fillGains(shape, weights) }
  }

  private func fillGains(_ shape: ModelShape, _ weights: any ModelWeights) {
    for index in 0..<shape.gains {
      for column in 0..<shape.hidden {
        gains[index * shape.hidden + column] = weights.gain(index, column)
      }
    }
  }
}
