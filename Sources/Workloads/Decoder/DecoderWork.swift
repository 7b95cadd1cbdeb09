import Kernels
import Models
import Quantities

/// What a decoder's passes cost.
enum DecoderWork {
  /// As of a workload: weights of each pass, and attention of all tokens to all.
  static func workBound(of shape: ModelShape, _ run: DecoderRun) -> Double {
    let tokens = product(run.depth) + product(run.prompt) + product(run.tokens)
    let width = product(shape.headDim) * (product(shape.heads) + product(shape.kvHeads))
    let layer =
      product(shape.hidden, shape.ffn) + product(shape.hidden) * width + tokens * width
    return 64 * product(run.batch) * tokens
      * (product(shape.layers) * layer + product(shape.vocab, shape.hidden))
  }

  /// What one pass reads of matrices.
  static func weights(_ shape: ModelShape, _ format: ElementType) -> (count: Int, bytes: Bytes) {
    let format = WeightFormat.usual(format)
    let layer = shape.products.map(shape.matrix)
    let vocabulary = shape.vocab > 0 ? [shape.vocabulary] : []
    func bytes(_ matrices: [ModelShape.Matrix]) -> Bytes {
      matrices.reduce(.zero) { $0 + format.bytes(rows: $1.n, columns: $1.k) }
    }
    return (
      shape.layers * layer.reduce(0) { $0 + $1.count } + vocabulary.reduce(0) { $0 + $1.count },
      bytes(layer) * shape.layers + bytes(vocabulary)
    )
  }

  /// Of all layers, for one sequence.
  static func attentionFlops(_ shape: ModelShape, _ pass: DecoderRun.Pass) -> Int {
    let pairs = pass.count * pass.first + AttentionMask.causal.pairs(of: pass.count)
    return 4 * shape.layers * shape.heads * shape.headDim * pairs
  }
}

extension ElementType {
  /// The arithmetic of products with weights that are stored so.
  var productFormat: ComputeFormat { WeightFormat(self).isQuantized ? .int8 : .fp32 }
}
