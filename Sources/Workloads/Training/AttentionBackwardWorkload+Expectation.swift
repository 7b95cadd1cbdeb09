import Glibc
import Kernels
import Quantities

extension AttentionBackwardWorkload {
  package static func expectation(
    of problem: Problem, _ operands: Operands, at sample: OutputSample
  ) -> Expectation {
    // Rows of the sample by the head of keys that they belong to.
    var heads: [Int: [(place: Int, row: GradientRow)]] = [:]
    for (place, index) in sample.rows.enumerated() {
      let row = GradientRow(index, of: problem)
      heads[row.batch * problem.kvHeads + row.kvHead, default: []].append((place, row))
    }
    let empty = [Double](repeating: 0, count: sample.count)
    var (values, magnitudes, allowances) = (empty, empty, empty)
    for (index, wanted) in heads {
      let head = KeyHead(
        problem, operands, batch: index / problem.kvHeads, kvHead: index % problem.kvHeads)
      for (place, found) in head.gradients(of: wanted) {
        for (offset, column) in sample.columns.enumerated() {
          let to = place * sample.columns.count + offset
          values[to] = found.values[column]
          magnitudes[to] = found.magnitudes[column]
          allowances[to] = found.allowances[column]
        }
      }
    }
    return Expectation(values: values, magnitudes: magnitudes, allowances: allowances)
  }
}

/// A row of the gradients: whose it is.
private struct GradientRow {
  enum Kind {
    /// Of one of the heads of queries that share the head of keys.
    case query(member: Int)
    case key
    case value
  }

  let kind: Kind
  let batch: Int
  let token: Int
  let kvHead: Int

  init(_ index: Int, of problem: AttentionBackwardWorkload.Problem) {
    let (queries, keys) = (problem.queryRows, problem.keyRows)
    let isQuery = index < queries
    let place = isQuery ? index : (index - queries) % keys
    let heads = isQuery ? problem.heads : problem.kvHeads
    let head = place % heads
    (batch, token) = (place / heads / problem.tokens, place / heads % problem.tokens)
    kvHead = isQuery ? head / problem.group : head
    kind =
      isQuery
      ? .query(member: head % problem.group) : index - queries < keys ? .key : .value
  }
}

/// One head of keys of one sequence in fp64, with the heads of queries that share it.
private struct KeyHead {
  private let problem: AttentionBackwardWorkload.Problem
  private let operands: AttentionBackwardWorkload.Operands
  private let batch: Int
  private let kvHead: Int
  private let keys: [[Double]]
  private let values: [[Double]]
  private let scale: Double

  init(
    _ problem: AttentionBackwardWorkload.Problem, _ operands: AttentionBackwardWorkload.Operands,
    batch: Int, kvHead: Int
  ) {
    self.problem = problem
    self.operands = operands
    self.batch = batch
    self.kvHead = kvHead
    func rows(_ tensor: Tensor) -> [[Double]] {
      (0..<problem.tokens).map {
        tensor.row((batch * problem.tokens + $0) * problem.kvHeads + kvHead)
      }
    }
    (keys, values) = (rows(operands.k), rows(operands.v))
    scale = 1 / Double(problem.headDim).squareRoot()
  }

  func gradients(of wanted: [(place: Int, row: GradientRow)]) -> [(place: Int, sums: GradientSums)]
  {
    var found = wanted.map { ($0.place, GradientSums(columns: problem.headDim)) }
    // Of keys and values all queries know; others only themselves.
    var (ofKeys, ofQueries) = ([Int](), [Int: [Int]]())
    for (index, (_, row)) in wanted.enumerated() {
      if case .query(let member) = row.kind {
        ofQueries[row.token * problem.group + member, default: []].append(index)
      } else {
        ofKeys.append(index)
      }
    }
    let queries =
      ofKeys.isEmpty ? Array(ofQueries.keys) : Array(0..<problem.tokens * problem.group)
    for query in queries {
      let row = QueryRow(self, token: query / problem.group, member: query % problem.group)
      for index in ofQueries[query] ?? [] { row.addToQuery(&found[index].1, keys, scale) }
      for index in ofKeys {
        let wanted = wanted[index].row
        if case .key = wanted.kind {
          row.addToKey(&found[index].1, key: wanted.token, scale)
        } else {
          row.addToValue(&found[index].1, key: wanted.token)
        }
      }
    }
    return found
  }

  /// What a query of one head makes of the keys that it sees.
  private struct QueryRow {
    let query: [Double]
    let dy: [Double]
    /// The keys from the first to the last that it sees.
    let first: Int
    /// Of each of them: its weight, 0 where it is not seen; and the gradient of its score.
    var weights: [Double]
    var slopes: [Double]
    /// The magnitudes of the terms of each such gradient.
    var sizes: [Double]
    /// How far a weight may be off, relative to it.
    let weightError: Double
    /// How far such a gradient may be off, relative to its magnitude; and besides, for each weight.
    let slopeError: Double
    let storedError: Double

    init(_ head: KeyHead, token: Int, member: Int) {
      let problem = head.problem
      let index =
        (head.batch * problem.tokens + token) * problem.heads + head.kvHead * problem.group
        + member
      let (query, dy) = (head.operands.q.row(index), head.operands.dy.row(index))
      (self.query, self.dy) = (query, dy)
      let mask = problem.mask.value
      let stretch = mask.stretch(from: token, of: problem.tokens)
      first = stretch.lowerBound
      let seen = stretch.map { mask.sees(key: $0, from: token) }
      var (largestSize, largest) = (0.0, -Double.infinity)
      let scores = zip(stretch, seen).map { key, isSeen -> Double in
        guard isSeen else { return -.infinity }
        let (sum, size) = dot(query, head.keys[key])
        largestSize = max(largestSize, size * head.scale)
        largest = max(largest, sum * head.scale)
        return sum * head.scale
      }
      let total = scores.reduce(0) { $0 + exp($1 - largest) }
      weights = scores.map { exp($0 - largest) / total }
      (slopes, sizes) = (weights, weights)
      var (delta, deltaSize) = (0.0, 0.0)
      var output = [Double](repeating: 0, count: problem.headDim)
      for (place, key) in stretch.enumerated() where seen[place] {
        (slopes[place], sizes[place]) = dot(dy, head.values[key])
        delta += weights[place] * slopes[place]
        deltaSize += weights[place] * sizes[place]
        if problem.precision != .fp32 {
          for (column, value) in head.values[key].enumerated() {
            output[column] += weights[place] * value
          }
        }
      }
      for place in weights.indices {
        slopes[place] = weights[place] * (slopes[place] - delta)
        sizes[place] = weights[place] * (sizes[place] + deltaSize)
      }
      let unit = 0x1p-24
      let sums = Tolerance.sum(roundings: 2 * problem.headDim).relative
      // A score's roundings, and those of the scaling and of taking the logarithm of the sum away, once in the
      // weight and once in the sum: each moves an exponent. The logarithm is rounded where it is stored.
      let exponents = 2 * largestSize * (sums + 6 * unit) + 2 * abs(largest + log(total)) * unit
      // What the sum itself is off by, and the exponential.
      weightError =
        exponents + Tolerance.sum(roundings: problem.tokens).relative + 4 * unit
      // Two more sums of products; the output in one of them is a sum over keys, weights' errors in it.
      slopeError =
        2 * weightError + sums + Tolerance.sum(roundings: 2 * problem.tokens + 4).relative
      // The output was rounded where it was stored, on purpose; fp16 keeps 24 bits after the point.
      let precision = problem.precision
      storedError =
        precision == .fp32
        ? 0
        : zip(dy, output).reduce(0) {
          $0 + abs($1.0)
            * (abs($1.1) * precision.rounding + (precision == .fp16 ? 0x1p-25 : 0))
        }
    }

    private func slopeError(at place: Int) -> Double {
      sizes[place] * slopeError + weights[place] * storedError
    }

    func addToQuery(_ sums: inout GradientSums, _ keys: [[Double]], _ scale: Double) {
      for place in weights.indices where weights[place] > 0 {
        sums.add(
          scale * slopes[place], size: scale * sizes[place],
          error: scale * slopeError(at: place), keys[first + place])
      }
    }

    func addToKey(_ sums: inout GradientSums, key: Int, _ scale: Double) {
      let place = key - first
      guard weights.indices.contains(place), weights[place] > 0 else { return }
      sums.add(
        scale * slopes[place], size: scale * sizes[place], error: scale * slopeError(at: place),
        query)
    }

    func addToValue(_ sums: inout GradientSums, key: Int) {
      let place = key - first
      guard weights.indices.contains(place), weights[place] > 0 else { return }
      sums.add(weights[place], size: weights[place], error: weights[place] * weightError, dy)
    }
  }
}
