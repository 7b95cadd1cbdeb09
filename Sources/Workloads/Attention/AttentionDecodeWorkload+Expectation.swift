import Glibc
import Kernels
import Quantities

extension AttentionDecodeWorkload {
  /// As a step does, it stores the new tokens.
  package static let reference = Variant<AttentionDecodeWorkload>.reference { problem, operands in
    guard case .cached(_, _, let cache, let sequences) = operands.step else { return }
    for (sequence, context) in problem.contexts.enumerated() {
      for token in 0..<problem.newTokens {
        for head in 0..<problem.kvHeads {
          let (key, value) = DecodeRow.new(problem, operands, sequence, token, head)
          guard let place = try? cache.place(of: context + token, in: sequences[sequence])
          else { continue }
          cache.layout.storeKey(
            key.map(Float.init), at: place.token,
            in: cache.keyBlock(place.page, head, place.token))
          cache.layout.storeValue(
            value.map(Float.init), at: place.token,
            in: cache.valueBlock(place.page, head, place.token))
        }
      }
    }
  }

  package static func expectation(
    of problem: Problem, _ operands: Operands, at sample: OutputSample
  ) -> Expectation {
    var rows = DecodeRow(problem, operands)
    var values: [Double] = []
    var magnitudes: [Double] = []
    var allowances: [Double] = []
    for index in sample.rows {
      let expected = rows.expected(index)
      for column in sample.columns {
        values.append(expected.row.values[column])
        magnitudes.append(expected.row.magnitudes[column])
        allowances.append(
          expected.row.magnitudes[column] * 2 * expected.scoreError + expected.weightError)
      }
    }
    return Expectation(values: values, magnitudes: magnitudes, allowances: allowances)
  }
}

/// Rows of the output in fp64: a query of one head of a new token.
struct DecodeRow {
  private let problem: AttentionDecodeWorkload.Problem
  private let operands: AttentionDecodeWorkload.Operands
  private let angles: RotaryAngles
  /// Keys and values of one head of one sequence, once they were needed.
  private var seen: [Int: Seen] = [:]

  private struct Seen {
    var keys: [[Double]] = []
    var values: [[Double]] = []
    /// What computing them in fp32 may have added to a key, or to a value, relative to its terms.
    var error = 0.0
  }

  init(_ problem: AttentionDecodeWorkload.Problem, _ operands: AttentionDecodeWorkload.Operands) {
    self.problem = problem
    self.operands = operands
    angles = problem.rotary.rotary.angles(headDim: problem.headDim)
  }

  struct Expected {
    var row: AttentionRow
    /// What rounding may add to any score.
    var scoreError: Double
    /// What rounding weights, and values where they are projected, may add to a result.
    var weightError: Double
  }

  /// - Parameter index: (sequence · new tokens + token) · heads + head.
  mutating func expected(_ index: Int) -> Expected {
    let (heads, headDim) = (problem.heads, problem.headDim)
    let (sequence, token) = (
      index / heads / problem.newTokens, index / heads % problem.newTokens
    )
    let context = problem.contexts[sequence]
    let (position, total) = (context + token, context + problem.newTokens)
    let kvHead = index % heads / problem.group
    let unit = sequence * problem.kvHeads + kvHead
    let seen = self.seen[unit] ?? look(sequence, kvHead)
    self.seen[unit] = seen
    let query = angles.rotated(
      operands.q.doubles(place(of: sequence, token, index % heads)), layout: problem.rotary.rope,
      position: position)
    let mask = problem.mask.value
    let keys = mask.stretch(from: position, of: total)
      .filter { mask.sees(key: $0, from: position) }
    let isQuantized = problem.kvCache == .on && problem.cache.cacheTypeK.isQuantized
    let steps = isQuantized ? Self.roundingSteps(query) : []
    var (largest, rounded) = (0.0, 0.0)
    let scores = keys.map { key in
      let (sum, size) = dot(query, seen.keys[key])
      largest = max(largest, size * problem.scale)
      if isQuantized {
        let squares = zip(steps, seen.keys[key]).reduce(0) { $0 + $1.0 * $1.1 * $1.0 * $1.1 }
        rounded = max(rounded, 8 * 0.5 * squares.squareRoot() * problem.scale)
      }
      return sum * problem.scale
    }
    let row = AttentionRow(headDim: headDim, scores: scores) { seen.values[keys[$0]] }
    // Roundings of the sum of products, of the scaling, of rotating, and of taking the largest away.
    let roundings = Tolerance.sum(roundings: 2 * headDim).relative + 10 * 0x1p-24 + seen.error
    // Weights, scales and their products in 15 bits of the largest of a block: off by half a step
    // each, either way.
    let isShort = problem.kvCache == .on && problem.cache.cacheTypeV.isQuantized
    let steps15 = isShort ? 8 * 0.5 * Double(3 * scores.count).squareRoot() / 32767 : 0
    return Expected(
      row: row, scoreError: 2 * largest * roundings + exp(rounded) - 1,
      weightError: row.farthest * (steps15 / row.total + seen.error))
  }

  private func place(of sequence: Int, _ token: Int, _ head: Int) -> Range<Int> {
    var place = sequence * problem.newTokens + token
    if problem.kvCache == .off {
      let before = problem.contexts[..<sequence].reduce(0) { $0 + $1 + problem.newTokens }
      place = before + problem.contexts[sequence] + token
    }
    let start = (place * problem.heads + head) * problem.headDim
    return start..<start + problem.headDim
  }

  /// What each query is rounded to a multiple of where products are of 8 bits.
  private static func roundingSteps(_ query: [Double]) -> [Double] {
    stride(from: 0, to: query.count, by: 32).flatMap { start in
      let largest = query[start..<start + 32].reduce(0) { max($0, abs($1)) }
      return [Double](repeating: largest / 127, count: 32)
    }
  }

  /// A new token's key, rotated, and its value, before they are stored.
  static func new(
    _ problem: AttentionDecodeWorkload.Problem, _ operands: AttentionDecodeWorkload.Operands,
    _ sequence: Int,
    _ token: Int, _ head: Int
  ) -> (key: [Double], value: [Double]) {
    guard case .cached(let newK, let newV, _, _) = operands.step else { return ([], []) }
    let place = sequence * problem.newTokens + token
    let start = (place * problem.kvHeads + head) * problem.headDim
    let range = start..<start + problem.headDim
    return (
      problem.rotary.rotary.angles(headDim: problem.headDim).rotated(
        newK.doubles(range), layout: problem.rotary.rope,
        position: problem.contexts[sequence] + token),
      newV.doubles(range)
    )
  }

  private func look(_ sequence: Int, _ head: Int) -> Seen {
    switch operands.step {
    case .cached(_, _, let cache, let sequences):
      return cached(sequence, head, cache, sequences[sequence])
    case .projected(let hidden, let wK, let wV):
      return projected(sequence, head, hidden, wK, wV)
    }
  }

  private func cached(_ sequence: Int, _ head: Int, _ cache: KVCache, _ id: Int) -> Seen {
    var seen = Seen()
    let context = problem.contexts[sequence]
    for token in 0..<context + problem.newTokens {
      // What a window no longer sees may be gone.
      var key = (try? cache.key(token, head: head, of: id))?.map(Double.init) ?? []
      var value = (try? cache.value(token, head: head, of: id))?.map(Double.init) ?? []
      if token >= context {
        let new = Self.new(problem, operands, sequence, token - context, head)
        key = problem.cache.cacheTypeK.near(key, to: new.key)
        value = problem.cache.cacheTypeV.near(value, to: new.value)
      }
      seen.keys.append(key)
      seen.values.append(value)
    }
    return seen
  }

  private func projected(
    _ sequence: Int, _ head: Int, _ hidden: Tensor, _ wK: Tensor, _ wV: Tensor
  ) -> Seen {
    var seen = Seen()
    let (headDim, width) = (problem.headDim, problem.hidden)
    let start = problem.contexts[..<sequence].reduce(0) { $0 + $1 + problem.newTokens }
    func rows(_ weights: Tensor) -> [[Double]] {
      (head * headDim..<(head + 1) * headDim).map { weights.doubles($0 * width..<($0 + 1) * width) }
    }
    let (keyRows, valueRows) = (rows(wK), rows(wV))
    var (size, result) = (0.0, 0.0)
    for token in 0..<problem.contexts[sequence] + problem.newTokens {
      let state = hidden.doubles((start + token) * width..<(start + token + 1) * width)
      func project(_ rows: [[Double]]) -> [Double] {
        rows.map { row in
          let (sum, magnitude) = dot(state, row)
          size = max(size, magnitude)
          result = max(result, abs(sum))
          return sum
        }
      }
      seen.keys.append(
        angles.rotated(project(keyRows), layout: problem.rotary.rope, position: token))
      seen.values.append(project(valueRows))
    }
    // Sums in fp32 stray by their terms, not by what is left of them.
    seen.error =
      result > 0 ? Tolerance.sum(roundings: 2 * width).relative * size / result : 0
    return seen
  }
}

extension CacheType {
  /// What was stored, where it is a rounding of what should be away from that: a tie may go either way
  /// where the number itself was rounded before. Else what should be.
  fileprivate func near(_ stored: [Double], to exact: [Double]) -> [Double] {
    let length = isQuantized ? 32 : 1
    for start in stride(from: 0, to: exact.count, by: length) {
      let range = start..<start + length
      let largest = exact[range].reduce(0) { max($0, abs($1)) }
      let step: Double =
        switch self {
        case .fp32: largest * 0x1p-21
        case .fp16: largest * 0x1p-10 + 0x1p-24
        case .bf16: largest * 0x1p-7
        case .q8_0: largest / 127 * 1.01
        case .q4_0: largest / 8 * 1.01
        }
      guard stored.count == exact.count, range.allSatisfy({ abs(stored[$0] - exact[$0]) <= step })
      else { return exact }
    }
    return stored
  }
}
