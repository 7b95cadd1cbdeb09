/// What a layer does after its attention.
package enum FeedForward: String, CaseIterable, Codable, Sendable {
  /// down · (silu(gate · x) ∘ (up · x)).
  ///
  /// - Source: Shazeer, "GLU Variants Improve Transformer" (2020).
  case swiglu
  /// down · gelu(up · x).
  ///
  /// - Source: Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016).
  case gelu
}

/// How large a decoder-only transformer is.
package struct ModelShape: Hashable, Sendable {
  package var layers: Int
  package var hidden: Int
  /// Of the feed-forward network between its products.
  package var ffn: Int
  package var heads: Int
  package var kvHeads: Int
  package var headDim: Int
  /// 0 where there are neither an embedding nor logits: layers alone.
  package var vocab: Int
  /// Whether logits are products with the embedding itself.
  package var isTied: Bool
  package var mlp: FeedForward

  /// Takes the sizes as they are: `heads` must be a multiple of `kvHeads`.
  package init(
    layers: Int, hidden: Int, ffn: Int, heads: Int, kvHeads: Int, headDim: Int, vocab: Int,
    isTied: Bool, mlp: FeedForward
  ) {
    self.layers = layers
    self.hidden = hidden
    self.ffn = ffn
    self.heads = heads
    self.kvHeads = kvHeads
    self.headDim = headDim
    self.vocab = vocab
    self.isTied = isTied
    self.mlp = mlp
  }

  /// A layer's products with weights.
  package enum Product: Int, CaseIterable, Sendable {
    case q, k, v, out, gate, up, down
  }

  /// Those that a layer has, by its feed-forward network: gates are SwiGLU's alone.
  package var products: [Product] {
    mlp == .swiglu ? Product.allCases : [.q, .k, .v, .out, .up, .down]
  }

  /// Outputs and inputs of a matrix of weights.
  package struct Matrix: Hashable, Sendable {
    package let n: Int
    package let k: Int

    package init(n: Int, k: Int) {
      self.n = n
      self.k = k
    }

    package var count: Int { n * k }
  }

  /// The size of a product's matrix of weights, which is stored a row per output.
  package func matrix(_ product: Product) -> Matrix {
    let (queries, keys) = (heads * headDim, kvHeads * headDim)
    return switch product {
    case .q: Matrix(n: queries, k: hidden)
    case .k, .v: Matrix(n: keys, k: hidden)
    case .out: Matrix(n: hidden, k: queries)
    case .gate, .up: Matrix(n: ffn, k: hidden)
    case .down: Matrix(n: hidden, k: ffn)
    }
  }

  /// Of the embedding, and of the logits.
  package var vocabulary: Matrix { Matrix(n: vocab, k: hidden) }

  /// Gains of norms: one before attention and one after it of each layer, and the last.
  package var gains: Int { 2 * layers + (vocab > 0 ? 1 : 0) }

  /// Is added to a row's mean square before its root is taken.
  package static let epsilon: Float = 1e-5
}
