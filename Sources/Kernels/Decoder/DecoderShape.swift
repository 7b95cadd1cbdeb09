import Quantities

/// What a layer does after its attention.
package enum FeedForward: String, AxisWord {
  /// down · (silu(gate · x) · (up · x)).
  ///
  /// - Source: Shazeer, "GLU Variants Improve Transformer" (2020).
  case swiglu
  /// down · gelu(up · x).
  case gelu
}

/// A decoder-only transformer: how large, and how its weights are stored.
struct DecoderShape: Hashable {
  let layers: Int
  let hidden: Int
  let ffn: Int
  let heads: Int
  let kvHeads: Int
  let headDim: Int
  /// 0 where there are neither an embedding nor logits: layers alone.
  let vocab: Int
  let isTied: Bool
  let mlp: FeedForward
  let format: ElementType

  /// A layer's products with weights.
  enum Product: Int, CaseIterable {
    case q, k, v, out, gate, up, down
  }

  var products: [Product] { mlp == .swiglu ? Product.allCases : [.q, .k, .v, .out, .up, .down] }

  func weights(_ product: Product) -> LinearWeights.Shape {
    let (queries, keys) = (heads * headDim, kvHeads * headDim)
    let (n, k) =
      switch product {
      case .q: (queries, hidden)
      case .k, .v: (keys, hidden)
      case .out: (hidden, queries)
      case .gate, .up: (ffn, hidden)
      case .down: (hidden, ffn)
      }
    return LinearWeights.Shape(n: n, k: k, format: format)
  }

  /// Of the embedding, and of the logits.
  var vocabulary: LinearWeights.Shape {
    LinearWeights.Shape(n: vocab, k: hidden, format: format)
  }

  /// Weights of matrices that one pass reads: of an embedding it reads a row a token.
  var weightsRead: [LinearWeights.Shape] {
    let each = products.map(weights)
    return (0..<layers).flatMap { _ in each } + (vocab > 0 ? [vocabulary] : [])
  }

  /// As of a workload: weights of each pass, and attention of all tokens to all.
  func magnitude(of run: DecoderRun) -> Double {
    let tokens = product(run.depth) + product(run.prompt) + product(run.tokens)
    let width = product(headDim) * (product(heads) + product(kvHeads))
    let layer = product(hidden, ffn) + product(hidden) * width + tokens * width
    return 64 * product(run.batch) * tokens * (product(layers) * layer + product(vocab, hidden))
  }

  /// Each matrix has weights of its own.
  func source(_ product: Product, layer: Int, seed: UInt64) -> WeightSource {
    source(8 * layer + product.rawValue + 2, columns: weights(product).k, seed)
  }
  func embeddingSource(seed: UInt64) -> WeightSource { source(0, columns: hidden, seed) }
  func logitsSource(seed: UInt64) -> WeightSource {
    source(isTied ? 0 : 1, columns: hidden, seed)
  }
  private func source(_ index: Int, columns: Int, _ seed: UInt64) -> WeightSource {
    WeightSource(columns: columns, seed: seed &+ 0x9E37_79B9_7F4A_7C15 &* UInt64(index + 1))
  }

  /// Gains of norms: one before attention and one after it of each layer, and the last.
  func gain(_ index: Int, _ column: Int, seed: UInt64) -> Float {
    let mixed = hash32(UInt32(truncatingIfNeeded: seed), UInt32(index))
    return 1 + 0.25 * uniform(mixed, column)
  }
  var gains: Int { 2 * layers + (vocab > 0 ? 1 : 0) }

  static let epsilon: Float = 1e-5

  func validate() throws {
    try HeadLayout(heads: heads, kvHeads: kvHeads).validate()
    for (axis, k) in [("hidden", hidden), ("ffn", ffn), ("head-dim", heads * headDim)] {
      let block = WeightFormat(format, groupSize: .usual, zeroPoint: .none).blockLength
      guard k.isMultiple(of: block) else {
        throw ProblemFault(
          axis: axis,
          what: "\(axis == "head-dim" ? "heads · head-dim" : axis) is \(k), which is not a "
            + "multiple of the \(block)-weight block of \(format.rawValue)",
          fix: "use a format of blocks of 32, or fp16")
      }
    }
  }
}
