import Kernels
import Quantities

extension AttentionPrefillWorkload {
  package static func expectation(
    of problem: Problem, _ operands: Operands, at sample: OutputSample
  ) -> Expectation {
    var values: [Double] = []
    var magnitudes: [Double] = []
    var allowances: [Double] = []
    for index in sample.rows {
      let (row, scoreError) = row(problem, operands, index)
      for column in sample.columns {
        values.append(row.values[column])
        magnitudes.append(row.magnitudes[column])
        // A score's error in the exponent is a relative one of the term, above and below the line.
        allowances.append(row.magnitudes[column] * 2 * scoreError)
      }
    }
    return Expectation(values: values, magnitudes: magnitudes, allowances: allowances)
  }

  /// A query of one head, and what computing scores in fp32 may add to any of them.
  ///
  /// - Parameter index: (batch · tokens + token) · heads + head.
  private static func row(_ problem: Problem, _ operands: Operands, _ index: Int) -> (
    row: AttentionRow, scoreError: Double
  ) {
    let (heads, headDim, tokens) = (problem.heads, problem.headDim, problem.tokens)
    let (batch, token) = (index / heads / tokens, index / heads % tokens)
    let kvHead = index % heads / problem.group
    let rotary = problem.rotary.rotary
    let angles = rotary.angles(headDim: headDim)
    func rotated(_ numbers: [Double], at position: Int) -> [Double] {
      angles.rotated(numbers, layout: rotary.layout, position: position)
    }
    func numbers(_ tensor: Tensor, _ key: Int) -> [Double] {
      let start = ((batch * tokens + key) * problem.kvHeads + kvHead) * headDim
      return tensor.doubles(start..<start + headDim)
    }
    let query = rotated(operands.q.doubles(index * headDim..<(index + 1) * headDim), at: token)
    let mask = problem.mask.value
    let keys = mask.stretch(from: token, of: tokens).filter { mask.sees(key: $0, from: token) }
    var largest = 0.0
    let scores = keys.map { key in
      let (sum, size) = dot(query, rotated(numbers(operands.k, key), at: key))
      largest = max(largest, size * problem.scale)
      return sum * problem.scale
    }
    // Roundings of the sum of products, of the scaling, and of taking the largest away.
    // What is rotated is stored as it was before: a rounding of each, besides those of rotating.
    let rotating = rotary.isNone ? 0 : 10 * 0x1p-24 + 2 * problem.precision.rounding
    let roundings = Tolerance.sum(roundings: 2 * headDim).relative + 4 * 0x1p-24 + rotating
    return (
      AttentionRow(headDim: headDim, scores: scores) { numbers(operands.v, keys[$0]) },
      2 * largest * roundings
    )
  }
}
