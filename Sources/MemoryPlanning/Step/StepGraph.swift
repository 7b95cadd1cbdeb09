import Kernels
import Models

/// The operations of a step in their order, each with what it reads, writes and needs besides: the layers of a
/// transformer with its loss, written down from their formulas.
///
/// - Source: Touvron et al., "LLaMA" (2023); Hu et al., "LoRA" (2021); Li and Liang, "Prefix-Tuning" (2021); Houlsby
///   et al., "Parameter-Efficient Transfer Learning for NLP" (2019); Liu et al., "(IA)³" (2022).
struct StepGraph {
  private(set) var values: [Fact] = []
  private(set) var operations: [Operation] = []
  let entries: [Entry]
  private let structure: StepStructure
  private var entry: Int?
  private var parameters = 0

  /// A layer, or several alike that are passed as one.
  struct Entry: Hashable {
    let layer: Int
    let count: Int
  }

  /// A value, by its place.
  typealias Value = Int

  struct Fact {
    let part: Part
    /// The place of its layer among the entries.
    let entry: Int?
    let size: ScaledBytes
    let gradient: ScaledBytes
  }

  /// What a value is in its layer; whether it is kept is decided by it.
  enum Part: Hashable {
    case input, middle, pointwise, projected, expanded, attended, scores, small
  }

  enum Flow: Hashable {
    case made
    /// It is that of an output.
    case passed(Int)
  }

  /// A parameter with a gradient.
  struct Parameter {
    let id: Int
    let gradient: ScaledBytes
  }

  struct Operation {
    let name: String
    let entry: Int?
    let inputs: [(value: Value, flow: Flow)]
    let outputs: [Value]
    /// Whose numbers the way back reads.
    let reads: [Value]
    var trained: [Parameter] = []
    var forward: [ScaledBytes] = []
    var backward: [ScaledBytes] = []
    /// Whether the way back writes all inputs' gradients, asked for or not.
    var writesAll = false
    var isLoss = false
  }

  init(_ structure: StepStructure, entries: [Entry]) {
    self.structure = structure
    self.entries = entries
    build()
  }

  private var shape: ModelShape { structure.shape }
  private var width: Int { structure.width }
  private func rows(_ columns: Int, _ bytes: Int = 4) -> ScaledBytes {
    .each(.row, columns * bytes)
  }
  /// Rows of each sequence with what is before them.
  private func longer(_ columns: Int, _ bytes: Int = 4) -> ScaledBytes {
    rows(columns, bytes) + .each(.sequence, structure.prefix * columns * bytes)
  }

  private mutating func value(_ part: Part, _ columns: Int, at place: Int? = nil) -> Value {
    let bytes = part == .small ? 4 : width
    return value(part, rows(columns, bytes), gradient: rows(columns), at: place ?? entry)
  }

  private mutating func value(
    _ part: Part, _ size: ScaledBytes, gradient: ScaledBytes, at place: Int?
  ) -> Value {
    values.append(Fact(part: part, entry: place, size: size, gradient: gradient))
    return values.count - 1
  }

  private mutating func parameter(_ count: Int) -> Parameter {
    parameters += 1
    return Parameter(id: parameters, gradient: .fixed(4 * count))
  }

  /// The model's own weights, where they are trained.
  private mutating func weights(_ count: Int) -> [Parameter] {
    structure.isTrained ? [parameter(count)] : []
  }

  // MARK: The step

  private mutating func build() {
    let vocabulary = shape.vocabulary.count
    let table = weights(vocabulary)
    var x = value(.input, rows(shape.hidden, width), gradient: rows(shape.hidden), at: 0)
    operations.append(
      Operation(name: "embedding", entry: nil, inputs: [], outputs: [x], reads: [], trained: table))
    for place in entries.indices {
      entry = place
      x = layer(x, next: place + 1 < entries.count ? place + 1 : nil)
    }
    entry = nil
    let normed = norm("last norm", x)
    let logits = shape.isTied ? table : weights(vocabulary)
    operations.append(
      Operation(
        name: "loss", entry: nil, inputs: [(normed, .made)], outputs: [], reads: [normed],
        trained: logits, backward: [logitsHeld, rows(3)], isLoss: true))
  }

  private var logitsHeld: ScaledBytes {
    switch structure.loss {
    case .whole: rows(shape.vocab)
    case .tokens: .each(.lossRow, 4 * shape.vocab)
    case .vocabulary(let count): rows(min(count, shape.vocab))
    }
  }

  private mutating func layer(_ x: Value, next: Int?) -> Value {
    let normed = norm("attention norm", x)
    let o = attention(normed)
    let middle = sum(.out, o, around: x, part: .middle, at: entry)
    let network = norm("network norm", middle)
    let product = feedForward(network)
    return sum(.down, product, around: middle, part: .input, at: next)
  }

  private mutating func norm(_ name: String, _ x: Value) -> Value {
    let (y, inverse) = (value(.pointwise, shape.hidden), value(.small, 1))
    operations.append(
      Operation(
        name: name, entry: entry, inputs: [(x, .made)], outputs: [y, inverse],
        reads: [x, inverse], trained: weights(shape.hidden)))
    return y
  }

  // MARK: Products

  /// Products of the same rows: their outputs, with LoRA's narrow ones behind them.
  private mutating func products(
    _ name: String, _ products: [(ModelShape.Product, Value)], of x: Value, around: Value? = nil
  ) {
    var (trained, inner, ranks) = ([Parameter](), [Value](), [Int]())
    var drops = false
    let columns = shape.matrix(products[0].0).k
    for (product, _) in products {
      let size = shape.matrix(product)
      trained += weights(size.count)
      guard case .lora(let rank, let targets, let dropped) = structure.adapter,
        targets.contains(product)
      else { continue }
      trained += [parameter(rank * size.k), parameter(size.n * rank)]
      inner.append(value(.small, rank))
      ranks.append(rank)
      drops = dropped
    }
    let wide = structure.isWide ? [] : products.map { rows(shape.matrix($0.0).n) }
    let dropped = drops ? [rows(columns)] : []
    operations.append(
      Operation(
        name: name, entry: entry,
        inputs: [(x, .made)] + (around.map { [($0, .passed(0))] } ?? []),
        outputs: products.map(\.1) + inner, reads: (trained.isEmpty ? [] : [x]) + inner,
        trained: trained, forward: wide + dropped,
        backward: ranks.max().map { [rows($0)] + dropped + dropped } ?? []))
  }

  /// A product whose output is added to what went around, by way of a bottleneck where there is one.
  private mutating func sum(
    _ product: ModelShape.Product, _ x: Value, around: Value, part: Part, at place: Int?
  ) -> Value {
    let (hidden, name) = (shape.hidden, product == .out ? "out" : "down")
    guard case .bottleneck(let narrow) = structure.adapter else {
      let y = value(part, rows(hidden, width), gradient: rows(hidden), at: place)
      products(name, [(product, y)], of: x, around: around)
      return y
    }
    let z = value(.projected, hidden)
    products(name, [(product, z)], of: x)
    let inner = value(.small, narrow)
    let y = value(part, rows(hidden, width), gradient: rows(hidden), at: place)
    operations.append(
      Operation(
        name: "bottleneck", entry: entry, inputs: [(z, .made), (around, .passed(0))],
        outputs: [y, inner], reads: [z, inner],
        trained: [parameter(narrow * hidden), parameter(hidden * narrow)],
        forward: [rows(narrow)] + (structure.isWide ? [] : [rows(hidden)]),
        backward: [rows(narrow), rows(narrow)]))
    return y
  }

  /// IA3's: each column times a learned factor.
  private mutating func factor(_ name: String, _ x: Value, _ columns: Int) -> Value {
    let y = value(.pointwise, columns)
    operations.append(
      Operation(
        name: "factor of \(name)", entry: entry, inputs: [(x, .passed(0))], outputs: [y],
        reads: [x], trained: [parameter(columns)],
        forward: structure.isWide ? [] : [rows(columns)], backward: [.fixed(4 * columns)]))
    return y
  }

  private mutating func feedForward(_ x: Value) -> Value {
    let (gate, up) = (value(.expanded, shape.ffn), value(.expanded, shape.ffn))
    products("gate, up", [(.gate, gate), (.up, up)], of: x)
    let product = value(.pointwise, shape.ffn)
    operations.append(
      Operation(
        name: "swiglu", entry: entry, inputs: [(gate, .made), (up, .passed(0))],
        outputs: [product], reads: [gate, up]))
    return structure.adapter == .ia3 ? factor("product", product, shape.ffn) : product
  }

  // MARK: Attention

  private mutating func attention(_ x: Value) -> Value {
    let (queries, keys) = (structure.queries, structure.keys)
    let q = value(.projected, queries)
    var (k, v) = (value(.projected, keys), value(.projected, keys))
    products("q, k, v", [(.q, q), (.k, k), (.v, v)], of: x)
    if structure.adapter == .ia3 {
      k = factor("k", k, keys)
      v = factor("v", v, keys)
    }
    let o = value(.attended, queries)
    if structure.isNaive {
      naive(q, k, v, to: o)
    } else {
      tiled(q, k, v, to: o)
    }
    return o
  }

  private mutating func tiled(_ q: Value, _ k: Value, _ v: Value, to o: Value) {
    let heads = longer(shape.heads)
    let logSums = value(.small, heads, gradient: heads, at: entry)
    let (queries, keys) = (structure.queries, structure.keys)
    var operation = Operation(
      name: "attention", entry: entry, inputs: [(q, .made), (k, .made), (v, .made)],
      outputs: [o, logSums], reads: [q, k, v, o, logSums],
      forward: structure.isWide ? [] : [rows(queries)], writesAll: true)
    if structure.prefix > 0 {
      operation.trained = [
        parameter(structure.prefix * keys), parameter(structure.prefix * keys),
      ]
      let stored = [queries, keys, keys].map { longer($0, width) }
      operation.forward = stored + [longer(queries)]
      operation.backward =
        stored + [longer(queries, width)] + [queries, queries, keys, keys].map { longer($0) }
    }
    operations.append(operation)
  }

  /// All weights of attention in memory.
  private mutating func naive(_ q: Value, _ k: Value, _ v: Value, to o: Value) {
    func squares(_ bytes: Int) -> ScaledBytes { .each(.pair, shape.heads * bytes) }
    let p = value(.scores, squares(width), gradient: squares(4), at: entry)
    operations.append(
      Operation(
        name: "attention weights", entry: entry, inputs: [(q, .made), (k, .made)], outputs: [p],
        reads: [q, k, p], forward: structure.isWide ? [] : [.each(.square, 4)], writesAll: true))
    operations.append(
      Operation(
        name: "attention values", entry: entry, inputs: [(p, .made), (v, .made)], outputs: [o],
        reads: [p, v], forward: structure.isWide ? [] : [rows(structure.queries)],
        writesAll: true))
  }
}
