package import Quantities

/// Quantizes a layer's weights one column after another, each time moving the error into columns
/// that are still to come, where the layer's own inputs make up for it.
///
/// With inputs X and H = 2 Xᵀ X + λ I, the error of column q is spread over the later ones by the
/// rows of U, the upper Cholesky factor of H⁻¹: w[j] −= (w[q] − ŵ[q]) / U[q, q] · U[q, j].
///
/// - Source: Frantar et al., "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained
///   Transformers" (2022), algorithm 1.
package struct GPTQ {
  /// The order in which columns are stored.
  package enum ColumnOrder: Sendable {
    case natural
    /// Those with the largest inputs first, while there is most to make up with.
    case activation
  }

  /// What is added to the diagonal of H, as a share of its mean.
  package var damping = 0.01
  package var order = ColumnOrder.natural

  /// - Parameter damping: 0.01 is the paper's.
  package init(damping: Double = 0.01, order: ColumnOrder = .natural) {
    self.damping = damping
    self.order = order
  }

  /// Stores `weights` in groups; errors are computed and moved on in fp64.
  ///
  /// - Parameters:
  ///   - weights: rows × columns, row-major.
  ///   - inputs: samples × columns, row-major: what the layer was given for calibration text.
  ///   - matrix: whole numbers in groups, of as many rows and columns; other matrices are a mistake.
  /// - Throws: `WeightFault` for a weight that is not finite or beyond fp16; `GPTQFault` where the inputs'
  ///   Hessian is not positive.
  package func quantize(_ weights: [Float], inputs: [Float], into matrix: any QuantizedWeights)
    throws
  {
    guard let integers = matrix as? IntegerWeights, let group = integers.layout.group else {
      preconditionFailure("GPTQ stores whole numbers in groups")
    }
    let (rows, columns) = (integers.layout.rows, integers.layout.columns)
    precondition(weights.count == rows * columns, "the weights are rows × columns")
    precondition(inputs.count % columns == 0, "inputs have as many columns as weights")
    for row in 0..<rows {
      try weights.withUnsafeBufferPointer { buffer in
        guard let start = buffer.baseAddress else { return }
        try validate(
          start + row * columns, count: columns, row: row, limit: 65504,
          integers.elementType)
      }
    }
    var hessian = Self.hessian(inputs, columns)
    // A column without inputs costs nothing, whatever it is stored as.
    for index in 0..<columns where hessian[index * columns + index] == 0 {
      hessian[index * columns + index] = 1
    }
    let sequence = columnSequence(hessian, columns)
    let factor = try inverseFactor(hessian, sequence, columns)
    integers.clearZeroPoints()
    for row in 0..<rows {
      quantize(
        row, (0..<columns).map { Double(weights[row * columns + $0]) }, sequence, factor, group,
        integers)
    }
  }

  /// The root mean square error of the layer's outputs, relative to the outputs' own.
  ///
  /// - Parameters:
  ///   - matrix: the stored weights.
  ///   - weights: rows × columns, row-major, as they were before they were stored.
  ///   - inputs: samples × columns, row-major.
  package static func outputError(
    of matrix: any QuantizedWeights, rows: Int, _ weights: [Float], inputs: [Float]
  ) -> Double {
    let columns = weights.count / rows
    var (strayed, whole) = (0.0, 0.0)
    var stored = [Float](repeating: 0, count: columns)
    for row in 0..<rows {
      stored.withUnsafeMutableBufferPointer { buffer in
        if let start = buffer.baseAddress { matrix.dequantize(row: row, into: start) }
      }
      for sample in 0..<inputs.count / columns {
        var (exact, rounded) = (0.0, 0.0)
        for column in 0..<columns {
          let input = Double(inputs[sample * columns + column])
          exact += input * Double(weights[row * columns + column])
          rounded += input * Double(stored[column])
        }
        strayed += (exact - rounded) * (exact - rounded)
        whole += exact * exact
      }
    }
    return whole > 0 ? (strayed / whole).squareRoot() : 0
  }

  private static func hessian(_ inputs: [Float], _ columns: Int) -> [Double] {
    var hessian = [Double](repeating: 0, count: columns * columns)
    for start in stride(from: 0, to: inputs.count, by: columns) {
      for i in 0..<columns {
        let left = 2 * Double(inputs[start + i])
        guard left != 0 else { continue }
        for j in 0..<columns { hessian[i * columns + j] += left * Double(inputs[start + j]) }
      }
    }
    return hessian
  }

  private func columnSequence(_ hessian: [Double], _ columns: Int) -> [Int] {
    let natural = Array(0..<columns)
    guard order == .activation else { return natural }
    // Of equals the earlier first, so that every machine finds the same order.
    return natural.sorted {
      let (left, right) = (hessian[$0 * columns + $0], hessian[$1 * columns + $1])
      return left == right ? $0 < $1 : left > right
    }
  }

  /// The upper Cholesky factor of the inverse of the damped Hessian, in the columns' sequence.
  private func inverseFactor(_ hessian: [Double], _ sequence: [Int], _ columns: Int) throws
    -> [Double]
  {
    var matrix = [Double](repeating: 0, count: columns * columns)
    let mean = (0..<columns).reduce(0.0) { $0 + hessian[$1 * columns + $1] } / Double(columns)
    for (i, from) in sequence.enumerated() {
      for (j, with) in sequence.enumerated() {
        matrix[i * columns + j] = hessian[from * columns + with]
      }
      matrix[i * columns + i] += damping * mean
    }
    let lower = try Self.cholesky(matrix, columns)
    let inverse = Self.inverse(ofFactor: lower, columns)
    // Inverse = Uᵀ U with U upper: the transpose of its lower factor.
    let below = try Self.cholesky(inverse, columns)
    var upper = [Double](repeating: 0, count: columns * columns)
    for i in 0..<columns { for j in 0...i { upper[j * columns + i] = below[i * columns + j] } }
    return upper
  }

  /// Lower L with L Lᵀ the matrix.
  private static func cholesky(_ matrix: [Double], _ size: Int) throws -> [Double] {
    var lower = [Double](repeating: 0, count: size * size)
    for i in 0..<size {
      for j in 0...i {
        var sum = matrix[i * size + j]
        for k in 0..<j { sum -= lower[i * size + k] * lower[j * size + k] }
        if i == j {
          guard sum > 0 else { throw GPTQFault.notPositive(column: i) }
          lower[i * size + i] = sum.squareRoot()
        } else {
          lower[i * size + j] = sum / lower[j * size + j]
        }
      }
    }
    return lower
  }

  /// (L Lᵀ)⁻¹, column by column.
  private static func inverse(ofFactor lower: [Double], _ size: Int) -> [Double] {
    var inverse = [Double](repeating: 0, count: size * size)
    var column = [Double](repeating: 0, count: size)
    for unit in 0..<size {
      for i in 0..<size {
        var sum = i == unit ? 1.0 : 0.0
        for k in 0..<i { sum -= lower[i * size + k] * column[k] }
        column[i] = sum / lower[i * size + i]
      }
      for i in stride(from: size - 1, through: 0, by: -1) {
        var sum = column[i]
        for k in i + 1..<max(size, i + 1) { sum -= lower[k * size + i] * column[k] }
        column[i] = sum / lower[i * size + i]
      }
      for i in 0..<size { inverse[i * size + unit] = column[i] }
    }
    return inverse
  }

  /// One row: grids are found when a group's first column comes, by its weights as they then are;
  /// out of their natural order by the weights as they were, since a group's columns are apart.
  private func quantize(
    _ row: Int, _ weights: [Double], _ sequence: [Int], _ factor: [Double], _ group: Int,
    _ integers: IntegerWeights
  ) {
    let columns = weights.count
    var moved = weights
    if order == .activation {
      for part in 0..<columns / group { setGrid(row, part, group, weights, integers) }
    }
    for (step, column) in sequence.enumerated() {
      if order == .natural, column % group == 0 {
        setGrid(row, column / group, group, moved, integers)
      }
      let grid = integers.grid(row: row, group: column / group)
      let code = grid.code(Float(moved[column]), top: integers.layout.top)
      integers.setCode(row: row, column: column, code)
      let error =
        (moved[column] - Double(grid.weight(code))) / factor[step * columns + step]
      for later in step + 1..<max(columns, step + 1) {
        moved[sequence[later]] -= error * factor[step * columns + later]
      }
    }
  }

  private func setGrid(
    _ row: Int, _ part: Int, _ group: Int, _ weights: [Double], _ integers: IntegerWeights
  ) {
    let stretch = weights[part * group..<(part + 1) * group].map { Float($0) }
    stretch.withUnsafeBufferPointer { buffer in
      guard let start = buffer.baseAddress else { return }
      integers.setGrid(
        row: row, group: part, integers.grid(BlockExtremes(start, count: group)))
    }
  }
}

/// Inputs that GPTQ cannot work with.
package enum GPTQFault: FaultConvertible, Hashable {
  case notPositive(column: Int)

  package var fault: Fault {
    switch self {
    case .notPositive(let column):
      Fault(
        "the inputs' Hessian is not positive at column \(column)",
        fix: "use more calibration samples, finite ones, or a larger damping")
    }
  }
}
