import Glibc
import Kernels
import Models
import Quantities

/// A transformer in fp64, token by token from their rows, with the roundings that a kernel makes on purpose:
/// of activations to 8 bits before products with quantized weights, of keys and values to the cache's
/// type.
///
/// All of a sequence's tokens go through at once, whatever the passes are: what one token at a time comes
/// to must be what all at once do.
final class DecoderReference {
  private let shape: ModelShape
  private let weights: MadeUpWeights
  private let format: WeightFormat
  private let run: DecoderRun
  private let seed: UInt64
  private let angles: RotaryAngles

  init(_ shape: ModelShape, _ format: ElementType, _ run: DecoderRun, seed: UInt64) {
    self.shape = shape
    self.format = .usual(format)
    weights = MadeUpWeights(shape, seed: seed)
    self.run = run
    self.seed = seed
    angles = run.rotary.angles(headDim: shape.headDim)
  }

  /// The given tokens of one sequence after all layers: position × hidden.
  func states(_ rows: [[Double]], sequence: Int) -> [[Double]] {
    var x = rows
    for layer in 0..<shape.layers { pass(layer, &x, sequence) }
    return x
  }

  /// Rows of the embedding.
  func embedded(_ ids: [Int]) -> [[Double]] {
    let row = self.rows(weights.embedding, shape.vocabulary)
    return ids.map(row)
  }

  /// Some of the logits of a row, and the magnitudes of their terms.
  func logits(_ row: [Double], columns: [Int]) -> (values: [Double], magnitudes: [Double]) {
    let normed = rounded(norm(row, 2 * shape.layers))
    let row = self.rows(weights.logits, shape.vocabulary)
    let both = columns.map { dot(normed, row($0)) }
    return (both.map(\.0), both.map(\.1))
  }

  private func pass(_ layer: Int, _ x: inout [[Double]], _ sequence: Int) {
    let normed = x.map { norm($0, 2 * layer) }
    let (q, k, v) = (
      product(.q, layer, normed), product(.k, layer, normed), product(.v, layer, normed)
    )
    let attended = attention(layer, q, k, v, sequence)
    add(product(.out, layer, attended), to: &x)
    let second = x.map { norm($0, 2 * layer + 1) }
    let up = product(.up, layer, second)
    let active: [[Double]]
    if shape.mlp == .swiglu {
      active = zip(product(.gate, layer, second), up).map { gate, up in
        zip(gate, up).map { $0 / (1 + exp(-$0)) * $1 }
      }
    } else {
      active = up.map { row in
        row.map { 0.5 * $0 * (1 + tanh(0.7978845608028654 * ($0 + 0.044715 * $0 * $0 * $0))) }
      }
    }
    add(product(.down, layer, active), to: &x)
  }

  private func add(_ rows: [[Double]], to x: inout [[Double]]) {
    for index in x.indices {
      for column in x[index].indices { x[index][column] += rows[index][column] }
    }
  }

  private func norm(_ row: [Double], _ index: Int) -> [Double] {
    let mean = row.reduce(0) { $0 + $1 * $1 } / Double(row.count)
    let by = 1 / (mean + Double(ModelShape.epsilon)).squareRoot()
    return row.indices.map {
      row[$0] * by * Double(weights.gain(index, $0))
    }
  }

  // MARK: Products

  private func product(_ product: ModelShape.Product, _ layer: Int, _ rows: [[Double]])
    -> [[Double]]
  {
    let matrix = shape.matrix(product)
    let rows = rows.map { rounded($0) }
    var result = rows.map { _ in [Double](repeating: 0, count: matrix.n) }
    let row = self.rows(weights.matrix(product, layer: layer), matrix)
    for column in 0..<matrix.n {
      let output = row(column)
      for index in rows.indices { result[index][column] = dot(rows[index], output).sum }
    }
    return result
  }

  /// What is left of a matrix's rows in its format.
  private func rows(_ source: WeightSource, _ matrix: ModelShape.Matrix) -> (Int) ->
    [Double]
  {
    let format = format
    // Where rows depend on one another all are stored; else each that is different, once.
    let isWhole = format.isQuantized && format.rowBytes(columns: matrix.k) == nil
    let count = isWhole ? matrix.n : min(matrix.n, WeightSource.period)
    guard let ledger = try? MemoryLedger(),
      let tensor = try? source.tensor(format, rows: count, in: ledger)
    else { return { _ in [] } }
    var known: [Int: [Double]] = [:]
    return { index in
      let place = index % count
      if let row = known[place] { return row }
      let row = tensor.row(place, of: format).map(Double.init)
      if !isWhole { known[place] = row }
      return row
    }
  }

  /// Activations as a product with such weights takes them.
  private func rounded(_ row: [Double]) -> [Double] {
    guard format.isQuantized else { return row }
    return Self.rounded(row, block: format.activationBlock)
  }

  /// To whole multiples of 1/127 of the largest of each block.
  private static func rounded(_ row: [Double], block: Int) -> [Double] {
    stride(from: 0, to: row.count, by: block).flatMap { start in
      let stretch = row[start..<min(row.count, start + block)]
      let largest = stretch.reduce(0) { max($0, abs($1)) }
      guard largest > 0 else { return Array(stretch) }
      return stretch.map { ($0 * 127 / largest).rounded(.toNearestOrEven) * largest / 127 }
    }
  }

  // MARK: Attention

  private func attention(
    _ layer: Int, _ q: [[Double]], _ k: [[Double]], _ v: [[Double]], _ sequence: Int
  ) -> [[Double]] {
    let headDim = shape.headDim
    let first = run.hasCache ? run.depth : 0
    let isDirect = run.passes.first.map(run.isDirect) ?? false
    let direct = isDirect ? run.passes[0].count : 0
    let group = shape.heads / shape.kvHeads
    let scale = 1 / Double(headDim).squareRoot()
    func head(_ row: [Double], _ index: Int) -> [Double] {
      Array(row[index * headDim..<(index + 1) * headDim])
    }
    var result = q.map { $0.map { _ in 0.0 } }
    for kvHead in 0..<shape.kvHeads {
      // As they are, and as the cache keeps them.
      let keys = k.enumerated().map { index, row in
        angles.rotated(head(row, kvHead), layout: run.rotary.layout, position: first + index)
      }
      let values = v.map { head($0, kvHead) }
      let keptKeys =
        before(layer, kvHead, sequence, isKey: true) + keys.map { kept($0, run.cache.keys) }
      let keptValues =
        before(layer, kvHead, sequence, isKey: false)
        + values.map { kept($0, run.cache.values) }
      for token in q.indices {
        let isPlain = token < direct
        for one in 0..<group {
          let index = kvHead * group + one
          var query = angles.rotated(
            head(q[token], index), layout: run.rotary.layout, position: first + token)
          if !isPlain, run.cache.keys.isQuantized { query = Self.rounded(query, block: 32) }
          let (seenKeys, seenValues) = isPlain ? (keys, values) : (keptKeys, keptValues)
          let scores = (0...(isPlain ? token : first + token)).map {
            dot(query, seenKeys[$0]).0 * scale
          }
          let row = AttentionRow(headDim: headDim, scores: scores) { seenValues[$0] }
          result[token].replaceSubrange(index * headDim..<(index + 1) * headDim, with: row.values)
        }
      }
    }
    return result
  }

  private func kept(_ row: [Double], _ type: CacheType) -> [Double] {
    type.rounded(row.map(Float.init)).map(Double.init)
  }

  /// What the cache has of the tokens before.
  private func before(_ layer: Int, _ head: Int, _ sequence: Int, isKey: Bool) -> [[Double]] {
    guard run.hasCache else { return [] }
    let length = shape.layers * shape.kvHeads * shape.headDim
    return (0..<run.depth).map { token in
      let start = token * length + (layer * shape.kvHeads + head) * shape.headDim
      let numbers = run.before(
        start..<start + shape.headDim, sequence: sequence, isKey: isKey, seed: seed)
      return (isKey ? run.cache.keys : run.cache.values).rounded(numbers).map(Double.init)
    }
  }
}
