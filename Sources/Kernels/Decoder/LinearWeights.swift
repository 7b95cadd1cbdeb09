import CMicrokernels
import Quantities

/// The weights of one product, packed for a set of instructions, and the kernels that multiply with them.
///
///     c[i, j] = Σ a[i, l] · w[j, l]
///
/// - Shapes: `a` is m × k and `c` m × n in fp32, the weights n × k in any format. Quantized weights
///   round activations to 8 bits within the call.
final class LinearWeights {
  /// What weights are, wherever they are packed.
  struct Shape: Hashable {
    let n: Int
    let k: Int
    let format: ElementType

    var weightFormat: WeightFormat { WeightFormat(format, groupSize: .usual, zeroPoint: .none) }
    var isQuantized: Bool { FloatFormat(rawValue: format.rawValue) == nil }

    fileprivate func product(_ m: Int) -> Matmul.Problem {
      Matmul.Problem(m: m, n: n, k: k, precision: .fp32)
    }
    fileprivate func quantizedProduct(_ m: Int) -> QuantizedMatmul.Problem {
      QuantizedMatmul.Problem(m: m, n: n, k: k, format: format)
    }
  }

  let shape: Shape
  private let loops: DecoderLoops
  private let store: Store

  private enum Store {
    case quantized(QuantizedPanels)
    case plain(StoredPanels, Matmul.Blocking)
    case rows(QuantizedMatmul.Operands)
  }

  /// - Parameter most: the most rows that will be multiplied: plain panels are cut for them.
  init(
    _ shape: Shape, source: WeightSource, most: Int, loops: DecoderLoops, execution: Execution
  ) throws {
    self.shape = shape
    self.loops = loops
    let ledger = execution.ledger
    let weights = try source.tensor(shape.weightFormat, rows: shape.n, in: ledger)
    if let quantized = loops.quantized(shape), let rows = Self.rows(weights, shape) {
      store = .quantized(
        try QuantizedPanels(
          rows, QuantizedPanels.Layout(shape.weightFormat, n: shape.n, k: shape.k, quantized),
          quantized, execution: execution))
    } else if let matmul = loops.matmul(shape) {
      let blocking = Matmul.Blocking(problem: shape.product(most), loops: matmul)
      store = .plain(
        try StoredPanels(
          problem: shape.product(most), b: weights, loops: matmul, blocking: blocking,
          execution: execution), blocking)
    } else {
      // The plain kernel reads them where they are; the rest of its operands are each call's.
      store = .rows(
        QuantizedMatmul.Operands(a: weights, b: weights, c: weights, original: source))
    }
  }

  private static func rows(_ weights: Tensor, _ shape: Shape) -> (any QuantizedWeights)? {
    shape.weightFormat.weights(at: weights.start, rows: shape.n, columns: shape.k)
  }

  /// One that multiplies m rows.
  ///
  /// - Parameter like: one of the same shape and number of rows, whose workspace it shares.
  func kernel(m: Int, a: Tensor, c: Tensor, like: (any Kernel)?, execution: Execution) throws
    -> any Kernel
  {
    switch store {
    case .quantized(let panels):
      if let like = like as? QuantizedMatmul.IntegerKernel {
        return QuantizedMatmul.IntegerKernel(like, panels: panels, a: a, c: c)
      }
      return try QuantizedMatmul.IntegerKernel(
        panels: panels, a: a, c: c, m: m, execution: execution)
    case .plain(let panels, let blocking):
      if let like = like as? Matmul.PackedKernel {
        return Matmul.PackedKernel(like, a: a, c: c, panels: panels)
      }
      guard let matmul = loops.matmul(shape) else { preconditionFailure("plain without loops") }
      return try Matmul.PackedKernel(
        problem: shape.product(m), a: a, c: c, loops: matmul,
        blocking: Matmul.Blocking(blocking, m: m, loops: matmul), panels: panels,
        execution: execution)
    case .rows(let held):
      return try QuantizedMatmul.PlainKernel(
        problem: shape.quantizedProduct(m),
        operands: QuantizedMatmul.Operands(a: a, b: held.b, c: c, original: held.original),
        isReference: false, execution: execution)
    }
  }

  // MARK: Memory

  /// What is kept of the weights.
  static func bytes(_ shape: Shape, _ loops: DecoderLoops) -> Bytes {
    if let quantized = loops.quantized(shape) {
      return QuantizedPanels.Layout(shape.weightFormat, n: shape.n, k: shape.k, quantized).bytes
    }
    if let matmul = loops.matmul(shape) {
      return StoredPanels.bytes(shape.product(1), matmul)
    }
    return shape.weightFormat.bytes(rows: shape.n, columns: shape.k)
  }

  /// What else there is for a moment while they are packed: the weights as they are stored.
  static func packingBytes(_ shape: Shape, _ loops: DecoderLoops) -> Bytes {
    loops.quantized(shape) == nil && loops.matmul(shape) == nil
      ? .zero : shape.weightFormat.bytes(rows: shape.n, columns: shape.k)
  }

  /// The workspace of a kernel, of which `count` share one where they may.
  static func workspace(
    _ shape: Shape, m: Int, most: Int, count: Int, _ loops: DecoderLoops, threads: Int
  ) -> Bytes {
    if let quantized = loops.quantized(shape) {
      let layout = QuantizedPanels.Layout(shape.weightFormat, n: shape.n, k: shape.k, quantized)
      return QuantizedMatmul.IntegerKernel.Cut(m: m, layout: layout).workspace(threads: threads)
    }
    if let matmul = loops.matmul(shape) {
      let blocking = Matmul.Blocking(problem: shape.product(most), loops: matmul)
      return Matmul.Blocking(blocking, m: m, loops: matmul).blockBytes(matmul) * threads
    }
    return QuantizedMatmul.PlainKernel.workspace(
      shape.quantizedProduct(m), isReference: false, threads: threads) * count
  }
}

extension LinearWeights {
  /// One output's weights in fp32, from wherever they are packed: an embedding's row.
  ///
  /// - Parameter scratch: `rowScratch` floats.
  func row(
    _ index: Int, into row: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
  ) {
    switch store {
    case .quantized(let panels):
      let columns = panels.layout.columns
      panels.loops.widen(
        panels.place(panel: index / columns), Int64(panels.layout.groups),
        Int32(panels.layout.subBlocks), scratch)
      for k in 0..<shape.k { row[k] = scratch[k * columns + index % columns] }
    case .plain(let panels, _): panels.row(index, format: shape.format, into: row)
    case .rows(let held):
      if let weights = Self.rows(held.b, shape) {
        weights.dequantize(row: index, into: row)
      } else {
        for k in 0..<shape.k { row[k] = held.b[index * shape.k + k] }
      }
    }
  }

  /// Floats that unpacking a row takes: all of its panel's.
  static func rowScratch(_ shape: Shape, _ loops: DecoderLoops) -> Int {
    loops.quantized(shape).map { quantized in
      let layout = QuantizedPanels.Layout(shape.weightFormat, n: shape.n, k: shape.k, quantized)
      return layout.groups * layout.group * layout.columns
    } ?? 0
  }
}
