import Models
import Quantities

/// A layer of a Llama as PyTorch's operations do it, one after the other.
///
/// - Source: Hugging Face's `modeling_llama.py`, read as the list of operations that it calls; PEFT's `lora/layer.py`
///   for adapters; bitsandbytes' `_functions.py` for products with weights in 4 bits.
struct TorchBlock {
  let model: Architecture
  let options: TorchOptions

  /// Bytes of an activation; with weights in 4 or 8 bits what is plain is in fp32, and activations with it.
  var width: Int { options.plainWidth }
  private var isWide: Bool { width == 4 }
  private var isTrained: Bool { options.adapter == .none }

  func rows(_ columns: Int, _ bytes: Int) -> ScaledBytes { .each(.row, columns * bytes) }
  private func rows(_ columns: Int) -> ScaledBytes { rows(columns, width) }

  /// What a layer makes of its input, which it does not let go of.
  func forward(_ x: TorchTape.Value, _ tape: inout TorchTape) -> TorchTape.Value {
    let h = model.hidden
    let normed = norm(x, "attention norm", &tape)
    let o = attention(normed, &tape)
    let projected = product(.out, o, &tape)
    tape.drop(o)
    let middle = tape.node(
      "sum", [(x, .passed), (projected, .passed)], to: rows(h))
    tape.drop(projected)
    let network = norm(middle, "network norm", &tape)
    let down = feedForward(network, &tape)
    let y = tape.node("sum", [(middle, .passed), (down, .passed)], to: rows(h))
    tape.drop(down)
    tape.drop(middle)
    return y
  }

  /// The root-mean-square norm: rows in fp32, their inverse roots, and a product with the gain.
  func norm(_ x: TorchTape.Value, _ name: String, _ tape: inout TorchTape) -> TorchTape.Value {
    let h = model.hidden
    let wide = isWide ? x : tape.node(name, [(x, .made(rows(h)))], to: rows(h, 4))
    // x², its mean, the inverse root: the way back makes three tensors as large as the rows.
    let squares = tape.node(
      name, [(wide, .made(rows(h, 4)))], to: rows(1, 4), saved: [wide],
      scratch: [rows(h, 4)], backward: [rows(h, 4), rows(h, 4)])
    let inverse = tape.node(name, [(squares, .made(rows(1, 4)))], to: rows(1, 4), savesOutput: true)
    tape.drop(squares)
    let scaled = tape.node(
      name, [(wide, .made(rows(h, 4))), (inverse, .made(rows(1, 4)))], to: rows(h, 4),
      saved: [wide, inverse], backward: [rows(h, 4)])
    tape.drop(inverse)
    if !isWide { tape.drop(wide) }
    let narrow = isWide ? scaled : tape.node(name, [(scaled, .made(rows(h, 4)))], to: rows(h))
    if !isWide { tape.drop(scaled) }
    let gain: TorchTape.ParameterGradient? =
      isTrained ? .init(name: name, size: .fixed(h * width)) : nil
    let y = tape.node(
      name, [(narrow, .made(rows(h)))], to: rows(h), saved: isTrained ? [narrow] : [],
      backward: isTrained ? [rows(h)] : [], parameter: gain)
    tape.drop(narrow)
    return y
  }

  // MARK: Products

  /// A product with weights, and what an adapter adds to it.
  private func product(
    _ product: ModelShape.Product, _ x: TorchTape.Value, _ tape: inout TorchTape
  ) -> TorchTape.Value {
    let size = model.matrix(product)
    let y = base(product, x, &tape)
    guard let lora = options.adapter.lora(beside: product) else { return y }
    return adapt(y, x, size, lora, "\(product)", &tape)
  }

  private func base(
    _ product: ModelShape.Product, _ x: TorchTape.Value, _ tape: inout TorchTape
  ) -> TorchTape.Value {
    let (size, name) = (model.matrix(product), "\(product)")
    guard options.isQuantized else {
      return linear(
        name, x, size, trained: isTrained ? width : nil, &tape)
    }
    // The rows are cast, the weights brought back for the product, and its output cast again.
    let narrow = options.compute.bytes(of: 1).count
    let weights = ScaledBytes.fixed(size.count * narrow)
    let given =
      narrow == width
      ? x : tape.node(name, [(x, .made(rows(size.k)))], to: rows(size.k, narrow))
    let thin = tape.node(
      name, [(given, .made(rows(size.k, narrow)))], to: rows(size.n, narrow),
      scratch: [weights], backward: [weights])
    guard narrow != width else { return thin }
    tape.drop(given)
    let y = tape.node(name, [(thin, .made(rows(size.n, narrow)))], to: rows(size.n))
    tape.drop(thin)
    return y
  }

  /// - Parameter trained: bytes of a weight that has a gradient.
  private func linear(
    _ name: String, _ x: TorchTape.Value, _ size: ModelShape.Matrix, trained: Int?,
    width own: Int? = nil, _ tape: inout TorchTape
  ) -> TorchTape.Value {
    let width = own ?? width
    return tape.node(
      name, [(x, .made(rows(size.k, width)))], to: rows(size.n, width),
      saved: trained == nil ? [] : [x],
      parameter: trained.map { .init(name: name, size: .fixed(size.count * $0)) })
  }

  /// y + scale · (x · aᵀ) · bᵀ. PEFT keeps the adapter in fp32, and casts what it is given.
  private func adapt(
    _ y: TorchTape.Value, _ x: TorchTape.Value, _ size: ModelShape.Matrix,
    _ adapter: PlannedAdapter.LoRA, _ name: String, _ tape: inout TorchTape
  ) -> TorchTape.Value {
    let wide = options.isTransformers ? 4 : width
    let (lora, rank) = ("\(name) LoRA", adapter.rank)
    let casts = wide != width
    let given = casts ? tape.node(lora, [(x, .made(rows(size.k)))], to: rows(size.k, wide)) : x
    let a = linear(
      lora, given, .init(n: rank, k: size.k), trained: adapter.trainsDown ? wide : nil,
      width: wide, &tape)
    if casts { tape.drop(given) }
    let b = linear(lora, a, .init(n: size.n, k: rank), trained: wide, width: wide, &tape)
    tape.drop(a)
    let scaled = tape.node(lora, [(b, .made(rows(size.n, wide)))], to: rows(size.n, wide))
    tape.drop(b)
    // The sum is in the wider type, and each input's gradient in its own.
    let sum = tape.node(
      lora, [(y, casts ? .made(rows(size.n)) : .passed), (scaled, .passed)],
      to: rows(size.n, wide))
    tape.drop(y)
    tape.drop(scaled)
    guard casts else { return sum }
    let result = tape.node(lora, [(sum, .made(rows(size.n, wide)))], to: rows(size.n))
    tape.drop(sum)
    return result
  }

  // MARK: Attention

  private func attention(_ x: TorchTape.Value, _ tape: inout TorchTape) -> TorchTape.Value {
    let (queries, keys) = (model.queries, model.keys)
    let q = product(.q, x, &tape)
    let k = product(.k, x, &tape)
    let v = product(.v, x, &tape)
    tape.drop(x)
    let turned = (rotated(q, queries, &tape), rotated(k, keys, &tape))
    tape.drop(q)
    tape.drop(k)
    let o =
      options.attention == .eager
      ? eager(turned.0, turned.1, v, &tape) : fused(turned.0, turned.1, v, &tape)
    return o
  }

  /// x ∘ cos + turned(x) ∘ sin.
  private func rotated(
    _ x: TorchTape.Value, _ columns: Int, _ tape: inout TorchTape
  ) -> TorchTape.Value {
    tape.node(
      "rope", [(x, .made(rows(columns)))], to: rows(columns),
      scratch: [rows(columns), rows(columns)], backward: [rows(columns), rows(columns)])
  }

  private func fused(
    _ q: TorchTape.Value, _ k: TorchTape.Value, _ v: TorchTape.Value, _ tape: inout TorchTape
  ) -> TorchTape.Value {
    let (keys, values) = (repeated(k, &tape, fused: true), repeated(v, &tape, fused: true))
    let each = options.expandsKeys ? model.queries : model.keys
    let sums: ScaledBytes = .each(
      options.backend == .cuda ? .paddedRow : .row, 4 * model.heads)
    let o = tape.node(
      "attention",
      [(q, .made(rows(model.queries))), (keys, .made(rows(each))), (values, .made(rows(each)))],
      to: rows(model.queries), saved: [q, keys, values], savesOutput: true, aside: sums)
    for one in [q, keys, values] { tape.drop(one) }
    return o
  }

  /// Keys or values as many times as queries share them.
  private func repeated(
    _ x: TorchTape.Value, _ tape: inout TorchTape, fused: Bool = false
  ) -> TorchTape.Value {
    guard model.heads != model.kvHeads, !fused || options.expandsKeys else { return x }
    let y = tape.node(
      "repeated keys", [(x, .made(rows(model.keys)))], to: rows(model.queries))
    tape.drop(x)
    return y
  }

  private func eager(
    _ q: TorchTape.Value, _ k: TorchTape.Value, _ v: TorchTape.Value, _ tape: inout TorchTape
  ) -> TorchTape.Value {
    let square = ScaledBytes.each(.pair, model.heads * width)
    let wideSquare = ScaledBytes.each(.pair, model.heads * 4)
    let (keys, values) = (repeated(k, &tape), repeated(v, &tape))
    let scores = tape.node(
      "scores", [(q, .made(rows(model.queries))), (keys, .made(rows(model.queries)))], to: square,
      saved: [q, keys])
    tape.drop(q)
    tape.drop(keys)
    let scaled = tape.node("scores", [(scores, .made(square))], to: square)
    tape.drop(scores)
    let masked = tape.node("masked scores", [(scaled, .passed)], to: square)
    tape.drop(scaled)
    let weights = softmax(masked, square, wideSquare, &tape)
    let o = tape.node(
      "attention", [(weights, .made(square)), (values, .made(rows(model.queries)))],
      to: rows(model.queries), saved: [weights, values])
    tape.drop(weights)
    tape.drop(values)
    let together = tape.node("attention", [(o, .passed)], to: rows(model.queries))
    tape.drop(o)
    return together
  }

  /// In fp32, whatever the scores are in, and back. CUDA reads 16 bits itself, and its way back multiplies the
  /// gradient with the output in new memory.
  ///
  /// - Source: PyTorch's `aten/src/ATen/native/cuda/SoftMax.cu` and `SoftMax.cpp`.
  private func softmax(
    _ scores: TorchTape.Value, _ square: ScaledBytes, _ wideSquare: ScaledBytes,
    _ tape: inout TorchTape
  ) -> TorchTape.Value {
    let isNarrow = width < 4
    let isGPU = options.backend == .cuda
    let casts = isNarrow && !isGPU
    let wide = casts ? tape.node("softmax", [(scores, .made(square))], to: wideSquare) : scores
    let weights = tape.node(
      "softmax", [(wide, .made(casts || !isNarrow ? wideSquare : square))], to: wideSquare,
      savesOutput: true, backward: isGPU ? [wideSquare] : [])
    if casts { tape.drop(wide) }
    tape.drop(scores)
    guard isNarrow else { return weights }
    let narrow = tape.node("softmax", [(weights, .made(wideSquare))], to: square)
    tape.drop(weights)
    return narrow
  }

  // MARK: Network

  /// down · (silu(gate · x) ∘ (up · x)).
  private func feedForward(_ x: TorchTape.Value, _ tape: inout TorchTape) -> TorchTape.Value {
    let each = rows(model.ffn)
    let gate = product(.gate, x, &tape)
    let silu = tape.node("silu", [(gate, .made(each))], to: each, saved: [gate])
    tape.drop(gate)
    let up = product(.up, x, &tape)
    tape.drop(x)
    let product = tape.node(
      "gate ∘ up", [(silu, .made(each)), (up, .made(each))], to: each, saved: [silu, up])
    tape.drop(silu)
    tape.drop(up)
    let y = self.product(.down, product, &tape)
    tape.drop(product)
    return y
  }
}

extension TorchOptions {
  var isQuantized: Bool { base != .plain }

  /// Bytes of what is plain: PEFT brings it to fp32 where products are quantized.
  var plainWidth: Int { isQuantized ? 4 : dtype.bytes(of: 1).count }

  /// PyTorch's fused attention for older GPUs takes as many heads of keys as of queries.
  ///
  /// - Source: `_scaled_dot_product_efficient_attention` has no grouped queries.
  var expandsKeys: Bool { backend == .cuda && isTransformers }
}

extension Architecture {
  /// The size of a product's weights, a row per output.
  func matrix(_ product: ModelShape.Product) -> ModelShape.Matrix {
    switch product {
    case .q: .init(n: queries, k: hidden)
    case .k, .v: .init(n: keys, k: hidden)
    case .out: .init(n: hidden, k: queries)
    case .gate, .up: .init(n: ffn, k: hidden)
    case .down: .init(n: hidden, k: ffn)
    }
  }
}
