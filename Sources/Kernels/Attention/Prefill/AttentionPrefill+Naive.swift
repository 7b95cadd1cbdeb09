import Glibc
import Quantities

extension AttentionPrefill {
  /// All scores of all heads in memory, as the formula is written: what the tiled variants are there to
  /// avoid, and what it costs.
  package static let naive = Variant<AttentionPrefill>(
    name: "naive",
    declines: { $0.rotary.isNone ? nil : "it does not turn queries and keys: use rope none" }
  ) { problem, operands, execution in
    try NaiveKernel(problem: problem, operands: operands, execution: execution)
  }

  final class NaiveKernel: Kernel, ParallelTask {
    private let problem: Problem
    private let operands: Operands
    private let pool: ThreadPool
    private let scores: Allocation

    static func scoreBytes(_ problem: Problem) -> Bytes {
      ElementType.fp32.bytes(
        of: problem.batch * problem.heads * problem.tokens * problem.tokens)
    }

    init(problem: Problem, operands: Operands, execution: Execution) throws {
      self.problem = problem
      self.operands = operands
      pool = execution.pool
      scores = try execution.ledger.allocate(Self.scoreBytes(problem), role: .workspace)
    }

    func run() { pool.run(self) }

    func run(part: Int, of parts: Int) {
      let rows = split(
        problem.batch * problem.heads * problem.tokens, part: part, of: parts)
      switch problem.precision {
      case .fp32: attend(StoredFP32.self, rows)
      case .fp16: attend(StoredFP16.self, rows)
      case .bf16: attend(StoredBF16.self, rows)
      }
    }

    /// Row by row of each head's matrix of scores.
    private func attend<S: StoredElement>(_: S.Type, _ rows: Range<Int>) {
      let (tokens, depth, heads) = (problem.tokens, problem.headDim, problem.heads)
      let scores = scores.start.assumingMemoryBound(to: Float.self)
      let o = operands.o.pointer(to: Float.self)
      let (q, k, v) = (
        operands.q.pointer(to: S.Bits.self), operands.k.pointer(to: S.Bits.self),
        operands.v.pointer(to: S.Bits.self)
      )
      for row in rows {
        let (batch, head, token) = (row / tokens / heads, row / tokens % heads, row % tokens)
        let query = (batch * tokens + token) * heads + head
        let line = scores + row * tokens
        let first = (batch * tokens * problem.kvHeads + head / problem.group) * depth
        let stride = problem.kvHeads * depth
        var most = -Float.infinity
        for key in 0..<tokens {
          let isSeen = problem.mask.value.sees(key: key, from: token)
          line[key] =
            isSeen
            ? dot(S.self, q + query * depth, k + first + key * stride, depth)
              * Float(problem.scale) : -.infinity
          most = max(most, line[key])
        }
        var total: Float = 0
        for key in 0..<tokens {
          line[key] = expf(line[key] - most)
          total += line[key]
        }
        let target = o + query * depth
        target.update(repeating: 0, count: depth)
        for key in 0..<tokens where line[key] != 0 {
          add(S.self, line[key] / total, v + first + key * stride, target, depth)
        }
      }
    }
  }
}

@inline(__always)
private func dot<S: StoredElement>(
  _: S.Type, _ left: UnsafePointer<S.Bits>, _ right: UnsafePointer<S.Bits>, _ depth: Int
) -> Float {
  var lanes = PortableLanes.zero
  let whole = depth / 8 * 8
  for step in stride(from: 0, to: whole, by: 8) {
    lanes += S.load(left + step) * S.load(right + step)
  }
  var sum = lanes.sum()
  for step in whole..<depth { sum += S.widen(left[step]) * S.widen(right[step]) }
  return sum
}

@inline(__always)
private func add<S: StoredElement>(
  _: S.Type, _ weight: Float, _ values: UnsafePointer<S.Bits>,
  _ target: UnsafeMutablePointer<Float>, _ depth: Int
) {
  let whole = depth / 8 * 8
  for step in stride(from: 0, to: whole, by: 8) {
    let place = UnsafeMutableRawPointer(target + step)
    place.storeBytes(
      of: place.loadUnaligned(as: PortableLanes.self) + S.load(values + step) * weight,
      as: PortableLanes.self)
  }
  for step in whole..<depth { target[step] += weight * S.widen(values[step]) }
}
