import Kernels
import Quantities

/// What goes from product to product: each maxRows × its own columns, in fp32.
struct TransformerBuffers {
  /// What the layers add to: maxRows × hidden.
  let x: Tensor
  let normed: Tensor
  let q: Tensor
  let k: Tensor
  let v: Tensor
  let attended: Tensor
  let gate: Tensor
  let up: Tensor
  let projected: Tensor

  /// - Parameter x: where the rows are somebody else's.
  init(_ shape: ModelShape, maxRows: Int, x: Tensor?, in ledger: MemoryLedger) throws {
    func buffer(_ columns: Int) throws -> Tensor {
      try ledger.tensor(.fp32, [maxRows, columns], .activations)
    }
    let (queries, keys) = (shape.heads * shape.headDim, shape.kvHeads * shape.headDim)
    self.x = try x ?? buffer(shape.hidden)
    normed = try buffer(shape.hidden)
    q = try buffer(queries)
    k = try buffer(keys)
    v = try buffer(keys)
    attended = try buffer(queries)
    up = try buffer(shape.ffn)
    gate = shape.mlp == .swiglu ? try buffer(shape.ffn) : up
    projected = try buffer(shape.hidden)
  }

  /// What a product reads and what it writes.
  func operands(of product: ModelShape.Product) -> (a: Tensor, c: Tensor) {
    switch product {
    case .q: (normed, q)
    case .k: (normed, k)
    case .v: (normed, v)
    case .out: (attended, projected)
    case .gate: (normed, gate)
    case .up: (normed, up)
    case .down: (up, projected)
    }
  }

  var attentionTokens: CachedAttention.Tokens {
    CachedAttention.Tokens(
      q: q.pointer(to: Float.self), newK: k.pointer(to: Float.self),
      newV: v.pointer(to: Float.self), o: attended.pointer(to: Float.self))
  }
}
