import CMicrokernels
import Glibc
package import Quantities

/// The loss of a language model from its last norm's rows, with the product of the logits inside: forward and
/// backward at once, so that logits of a few rows, or of a part of the vocabulary, are all that need be held.
///
///     loss = Σ by · (log Σⱼ e^(x[t] · w[j]) − x[t] · w[target[t]]) over the rows that have a target
///     dlogits = by · (softmax(x · wᵀ) − onehot(target)),  dx = dlogits · w,  dw = dlogitsᵀ · x
///
/// - Shapes: `x` is rows × columns as activations are stored, `dx` in fp32; `w` and `dw` are vocabulary ×
///   columns in fp32; `targets` are 32-bit whole numbers, less than 0 where a row has no loss.
/// - Work: 6·rows·vocabulary·columns flops for the rows that have a target; by parts of the vocabulary, 8. The
///   exponentials are not counted.
/// - Error: that of a sum of `columns` products in a logit, which the exponential makes a relative one, and of
///   a sum of as many terms as there are rows or outputs.
/// - Source: Wijmans et al., "Cut Your Losses in Large-Vocabulary Language Models" (2024), for both kinds of
///   parts.
package final class LinearCrossEntropy {
  package let columns: Int
  package let vocabulary: Int
  package let chunks: Chunks
  package let activations: FloatFormat
  /// What logits' gradients become before they are multiplied.
  private let gradients: Gemm.Element
  private let loops: hr_training_loops
  private let gemm: Gemm
  private let pool: ThreadPool

  /// What is held of the logits at once.
  package enum Chunks: Hashable, Sendable {
    case whole
    /// Those of so many rows.
    case tokens(Int)
    /// Those of so many outputs, for all rows: they are computed twice.
    case vocabulary(Int)
  }

  /// - Parameter gemm: its workspace is for `shapes`.
  package init(
    columns: Int, vocabulary: Int, chunks: Chunks, activations: FloatFormat = .fp32, gemm: Gemm,
    instructions: InstructionSet, pool: ThreadPool
  ) {
    self.columns = columns
    self.vocabulary = vocabulary
    self.chunks = chunks
    self.activations = activations
    gradients = .rounded(to: activations)
    self.gemm = gemm
    loops = instructions.training(.fp32)
    self.pool = pool
  }

  /// The products that it will ask a `Gemm` for.
  package static func shapes(rows: Int, columns: Int, vocabulary: Int, chunks: Chunks) -> [Gemm
    .Shape]
  {
    let (few, part) = sizes(rows: rows, vocabulary: vocabulary, chunks)
    return [
      Gemm.Shape(n: part, k: columns), Gemm.Shape(n: columns, k: part),
      Gemm.Shape(n: columns, k: few),
    ]
  }

  /// Rows and outputs of the logits that are held at once.
  package static func sizes(rows: Int, vocabulary: Int, _ chunks: Chunks) -> (
    rows: Int, outputs: Int
  ) {
    switch chunks {
    case .whole: (rows, vocabulary)
    case .tokens(let count): (min(count, rows), vocabulary)
    case .vocabulary(let count): (rows, min(count, vocabulary))
    }
  }

  /// What a call works on.
  package struct Operands {
    let x: UnsafeRawPointer
    let w: Gemm.Matrix
    let targets: UnsafePointer<Int32>
    let rows: Int
    let logits: UnsafeMutablePointer<Float>
    let rowSums: UnsafeMutablePointer<Float>
    let dx: UnsafeMutablePointer<Float>
    let dw: UnsafeMutablePointer<Float>?
    let dwAccumulates: Bool

    /// - Parameters:
    ///   - w: vocabulary × columns.
    ///   - logits: room for as many as `sizes` says.
    ///   - rowSums: 3 floats a row.
    ///   - dw: where it is left out, `w` is not trained.
    package init(
      x: UnsafeRawPointer, w: Gemm.Matrix, targets: UnsafePointer<Int32>, rows: Int,
      logits: UnsafeMutablePointer<Float>, rowSums: UnsafeMutablePointer<Float>,
      dx: UnsafeMutablePointer<Float>, dw: UnsafeMutablePointer<Float>?, dwAccumulates: Bool
    ) {
      self.x = x
      self.w = w
      self.targets = targets
      self.rows = rows
      self.logits = logits
      self.rowSums = rowSums
      self.dx = dx
      self.dw = dw
      self.dwAccumulates = dwAccumulates
    }
  }

  /// Gives the sum of the rows' losses, not multiplied by anything.
  ///
  /// - Parameter by: what gradients are multiplied by: 1 over the rows of a step that have a target, times the
  ///   scale of a loss that is scaled.
  package func run(_ operands: Operands, by: Float) -> Double {
    switch chunks {
    case .whole: byRows(operands, operands.rows, by)
    case .tokens(let count): byRows(operands, count, by)
    case .vocabulary(let count): byOutputs(operands, count, by)
    }
  }

  private func x(_ operands: Operands, row: Int) -> UnsafeRawPointer {
    operands.x + activations.bytes(of: row * columns).count
  }

  private func byRows(_ operands: Operands, _ chunk: Int, _ by: Float) -> Double {
    var loss = 0.0
    var isFirst = !operands.dwAccumulates
    for from in stride(from: 0, to: operands.rows, by: chunk) {
      let rows = from..<min(operands.rows, from + chunk)
      let x = Gemm.Matrix(x(operands, row: from), stride: columns, element: .stored(activations))
      gemm.multiply(
        x, rows: rows.count, k: columns, .init(operands.w, n: vocabulary, to: operands.logits))
      pool.share(rows.count) { own, _ in
        for row in own { take(row, of: rows.lowerBound, operands, by) }
      }
      for row in rows { loss += Double(operands.rowSums[row]) }
      let logits = Gemm.Matrix(operands.logits, stride: vocabulary, element: gradients)
      gemm.multiply(
        logits, rows: rows.count, k: vocabulary,
        .init(operands.w.transposed, n: columns, to: operands.dx + from * columns))
      if let dw = operands.dw {
        gemm.multiply(
          logits.transposed, rows: vocabulary, k: rows.count,
          .init(x.transposed, n: columns, to: dw, accumulates: !isFirst))
        isFirst = false
      }
    }
    return loss
  }

  /// One row of logits becomes its gradient, and its loss stands in the row's sums.
  private func take(_ row: Int, of first: Int, _ operands: Operands, _ by: Float) {
    let logits = operands.logits + row * vocabulary
    let target = Int(operands.targets[first + row])
    guard target >= 0 else {
      logits.update(repeating: 0, count: vocabulary)
      operands.rowSums[first + row] = 0
      return
    }
    var (largest, sum): (Float, Float) = (0, 0)
    loops.softmax_sums(logits, Int64(vocabulary), &largest, &sum)
    let logSum = largest + logf(sum)
    operands.rowSums[first + row] = logSum - logits[target]
    loops.softmax_scaled(logits, Int64(vocabulary), logSum, by)
    logits[target] -= by
  }

  /// Twice through the vocabulary: for the sums, and for the gradients.
  private func byOutputs(_ operands: Operands, _ chunk: Int, _ by: Float) -> Double {
    let rows = operands.rows
    let x = Gemm.Matrix(operands.x, stride: columns, element: .stored(activations))
    let (largest, sums, targets) = (
      operands.rowSums, operands.rowSums + rows, operands.rowSums + 2 * rows
    )
    for row in 0..<rows { (largest[row], sums[row], targets[row]) = (-.infinity, 0, 0) }
    for from in stride(from: 0, to: vocabulary, by: chunk) {
      let outputs = from..<min(vocabulary, from + chunk)
      product(x, outputs, operands)
      pool.share(rows) { own, _ in
        for row in own {
          let logits = operands.logits + row * outputs.count
          var (most, sum): (Float, Float) = (0, 0)
          loops.softmax_sums(logits, Int64(outputs.count), &most, &sum)
          let top = max(most, largest[row])
          sums[row] = sums[row] * expf(largest[row] - top) + sum * expf(most - top)
          largest[row] = top
          let target = Int(operands.targets[row])
          if outputs.contains(target) { targets[row] = logits[target - from] }
        }
      }
    }
    var loss = 0.0
    for row in 0..<rows {
      largest[row] += logf(sums[row])
      if operands.targets[row] >= 0 { loss += Double(largest[row] - targets[row]) }
    }
    for from in stride(from: 0, to: vocabulary, by: chunk) {
      let outputs = from..<min(vocabulary, from + chunk)
      product(x, outputs, operands)
      pool.share(rows) { own, _ in
        for row in own { differentiate(row, outputs, operands, logSum: largest[row], by) }
      }
      let logits = Gemm.Matrix(
        operands.logits, stride: outputs.count, element: gradients)
      let w = operands.w.rows(from: from)
      gemm.multiply(
        logits, rows: rows, k: outputs.count,
        .init(w.transposed, n: columns, to: operands.dx, accumulates: from > 0))
      if let dw = operands.dw {
        gemm.multiply(
          logits.transposed, rows: outputs.count, k: rows,
          .init(
            x.transposed, n: columns, to: dw + from * columns,
            accumulates: operands.dwAccumulates))
      }
    }
    return loss
  }

  private func product(_ x: Gemm.Matrix, _ outputs: Range<Int>, _ operands: Operands) {
    gemm.multiply(
      x, rows: operands.rows, k: columns,
      .init(
        operands.w.rows(from: outputs.lowerBound), n: outputs.count, to: operands.logits))
  }

  private func differentiate(
    _ row: Int, _ outputs: Range<Int>, _ operands: Operands, logSum: Float, _ by: Float
  ) {
    let logits = operands.logits + row * outputs.count
    let target = Int(operands.targets[row])
    guard target >= 0 else { return logits.update(repeating: 0, count: outputs.count) }
    loops.softmax_scaled(logits, Int64(outputs.count), logSum, by)
    if outputs.contains(target) { logits[target - outputs.lowerBound] -= by }
  }
}
