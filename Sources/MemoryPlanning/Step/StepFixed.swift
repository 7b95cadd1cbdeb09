package import Kernels
import Models
import Quantities

/// What lives throughout a training step of this program: weights, states, and what its operations work with.
package struct StepFixed {
  private let structure: StepStructure
  private let shape: ModelShape

  package init(_ structure: StepStructure) {
    self.structure = structure
    shape = structure.shape
  }

  private var matrices: Int {
    shape.products.reduce(0) { $0 + shape.matrix($1).count }
  }

  /// Bytes of the model's own weights: norms' gains are in fp32.
  package var weights: Int {
    let gains = 4 * shape.gains * shape.hidden
    let vocabulary = shape.vocabulary.count * (shape.isTied ? 1 : 2)
    let masters = structure.masters.bytes(of: 1).count
    guard !structure.isTrained else {
      return gains + masters * (vocabulary + shape.layers * matrices)
    }
    let format = WeightFormat.usual(structure.base)
    let layer = shape.products.map(shape.matrix).reduce(0) {
      $0 + format.bytes(rows: $1.n, columns: $1.k).count
    }
    return gains + masters * vocabulary + shape.layers * layer
  }

  /// How they come about.
  var weightsFormula: String {
    let stored = structure.isTrained ? structure.masters.rawValue : structure.base.rawValue
    let outside = shape.vocabulary.count * (shape.isTied ? 1 : 2)
    return "\(shape.layers) × \(matrices) in \(stored) + \(outside) in "
      + "\(structure.masters.rawValue) + \(shape.gains) × \(shape.hidden) in fp32"
  }

  /// Numbers of the parameters that are trained: of one layer, each by itself; and of the others.
  private var trained: (layer: [Int], others: [Int]) {
    switch structure.adapter {
    case .none:
      let vocabulary = Array(repeating: shape.vocabulary.count, count: shape.isTied ? 1 : 2)
      return (
        shape.products.map { shape.matrix($0).count } + [shape.hidden, shape.hidden],
        vocabulary + [shape.hidden]
      )
    case .lora(let rank, let targets, _):
      return (
        shape.products.filter(targets.contains).map(shape.matrix).flatMap {
          [rank * $0.k, $0.n * rank]
        }, []
      )
    case .prefix(let tokens): return ([tokens * structure.keys, tokens * structure.keys], [])
    case .bottleneck(let width):
      return (Array(repeating: width * shape.hidden, count: 4), [])
    case .ia3: return ([structure.keys, structure.keys, shape.ffn], [])
    }
  }

  /// How many parameters are trained.
  package var parameters: Int { shape.layers * trained.layer.count + trained.others.count }

  private func sum(_ body: (Int) -> Int) -> Int {
    shape.layers * trained.layer.reduce(0) { $0 + body($1) }
      + trained.others.reduce(0) { $0 + body($1) }
  }

  package var adapters: Int { structure.isTrained ? 0 : 4 * sum { $0 } }

  /// A vector of `hidden` numbers is a norm's gain, which stays in fp32.
  package var states: Int {
    sum { count in
      let isGain = structure.isTrained && count == shape.hidden
      return structure.optimizer.stateBytes(of: count, isGain ? .fp32 : structure.masters).count
    }
  }

  /// Partial sums of the largest gradient's squares, in fp64.
  private var squares: Int {
    4 * 2 * GradientNorm.sums(of: max(1, (trained.layer + trained.others).max() ?? 0))
  }

  /// What operations work with: packed blocks of products, tables of positions, tiles of attention.
  ///
  /// - Throws: nothing where memory is only planned.
  package func workspace(
    batch: Int, tokens: Int, instructions: InstructionSet, threads: Int
  ) throws -> Int {
    let execution = Execution.planning(threads: threads)
    _ = try Gemm(
      products(rows: batch * tokens, tokens: tokens)
        + chunks.map { Gemm.Shape(n: $0.columns, k: $0.rows) },
      instructions: instructions, execution)
    let quantized = 4 * (chunks.map { $0.rows * $0.columns }.max() ?? 0)
    let positions = tokens + structure.prefix
    let table =
      structure.isRotated
      ? 2 * RotaryTable.bytes(positions: positions, headDim: shape.headDim).count : 0
    return try squares + quantized + table + execution.ledger.snapshot.peak
      + attention(batch, positions, instructions, execution.threads)
  }

  private func attention(
    _ batch: Int, _ tokens: Int, _ instructions: InstructionSet, _ threads: Int
  ) throws -> Int {
    guard !structure.isNaive else { return 0 }
    let execution = Execution.planning(threads: threads)
    let operation = AttentionPrefill(
      batch: batch, heads: shape.heads, kvHeads: shape.kvHeads, headDim: shape.headDim,
      tokens: tokens, precision: structure.activations, instructions: instructions)
    let kept = (
      try LayeredAttention(operation, execution), try AttentionBackward(operation, execution)
    )
    return withExtendedLifetime(kept) { execution.ledger.snapshot.peak }
  }

  /// Quantized weights are brought back so many rows at a time: 4 MiB of them.
  private var chunks: [(rows: Int, columns: Int)] {
    guard !structure.isTrained, WeightFormat.usual(structure.base).isQuantized else { return [] }
    return shape.products.map(shape.matrix).map {
      (max(1, min($0.n, (1 << 20) / $0.k)), $0.k)
    }
  }

  /// The products of a step, forward and back.
  private func products(rows: Int, tokens: Int) -> [Gemm.Shape] {
    let (queries, keys) = (structure.queries, structure.keys)
    let (hidden, ffn) = (shape.hidden, shape.ffn)
    var shapes = [
      Gemm.Shape(n: queries, keys, keys, k: hidden), Gemm.Shape(n: hidden, k: queries),
      Gemm.Shape(n: ffn, ffn, k: hidden), Gemm.Shape(n: hidden, k: ffn),
      Gemm.Shape(n: hidden, k: keys), Gemm.Shape(n: queries, k: hidden),
      Gemm.Shape(n: ffn, k: hidden), Gemm.Shape(n: hidden, k: rows),
      Gemm.Shape(n: queries, k: rows), Gemm.Shape(n: ffn, k: rows),
    ]
    if let width = narrow {
      for columns in [hidden, queries, keys, ffn] {
        shapes += [Gemm.Shape(n: width, k: columns), Gemm.Shape(n: columns, k: width)]
      }
      shapes.append(Gemm.Shape(n: width, k: rows))
    }
    if structure.isNaive {
      shapes += [
        Gemm.Shape(n: tokens, k: shape.headDim), Gemm.Shape(n: shape.headDim, k: tokens),
      ]
    }
    return shapes
      + LinearCrossEntropy.shapes(
        rows: rows, columns: hidden, vocabulary: shape.vocab, chunks: structure.loss)
  }

  private var narrow: Int? {
    switch structure.adapter {
    case .lora(let rank, _, _): rank
    case .bottleneck(let width): width
    case .none, .prefix, .ia3: nil
    }
  }
}

extension LedgerSnapshot {
  /// The most that was live at one time.
  fileprivate var peak: Int { plan.peak.count }
}
