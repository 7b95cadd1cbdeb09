import Glibc
package import Quantities

/// All scores of all heads in memory, row by row of each head's matrix of them.
final class NaiveAttention: Kernel, ParallelTask {
  private let shape: AttentionPrefill
  private let tensors: AttentionPrefill.Tensors
  private let pool: ThreadPool
  private let scores: Allocation

  init(
    _ shape: AttentionPrefill, _ tensors: AttentionPrefill.Tensors, _ execution: Execution
  ) throws {
    self.shape = shape
    self.tensors = tensors
    pool = execution.pool
    scores = try execution.ledger.allocate(shape.naiveWorkspaceBytes, role: .workspace)
  }

  func run() { pool.run(self) }

  func run(part: Int, of parts: Int) {
    let rows = split(
      shape.batch * shape.heads * shape.tokens, part: part, of: parts)
    switch shape.precision {
    case .fp32: attend(StoredFP32.self, rows)
    case .fp16: attend(StoredFP16.self, rows)
    case .bf16: attend(StoredBF16.self, rows)
    }
  }

  /// Row by row of each head's matrix of scores.
  private func attend<S: StoredElement>(_: S.Type, _ rows: Range<Int>) {
    let (tokens, headDim, heads) = (shape.tokens, shape.headDim, shape.heads)
    let scores = scores.start.assumingMemoryBound(to: Float.self)
    let o = tensors.o.pointer(to: Float.self)
    let (q, k, v) = (
      tensors.q.pointer(to: S.Bits.self), tensors.k.pointer(to: S.Bits.self),
      tensors.v.pointer(to: S.Bits.self)
    )
    for row in rows {
      let (batch, head, token) = (row / tokens / heads, row / tokens % heads, row % tokens)
      let query = (batch * tokens + token) * heads + head
      let line = scores + row * tokens
      let first = (batch * tokens * shape.kvHeads + head / shape.group) * headDim
      let stride = shape.kvHeads * headDim
      var maximum = -Float.infinity
      for key in 0..<tokens {
        let isSeen = shape.mask.sees(key: key, from: token)
        line[key] =
          isSeen
          ? dot(S.self, q + query * headDim, k + first + key * stride, headDim)
            * Float(shape.scale) : -.infinity
        maximum = max(maximum, line[key])
      }
      var total: Float = 0
      for key in 0..<tokens {
        line[key] = expf(line[key] - maximum)
        total += line[key]
      }
      let target = o + query * headDim
      target.update(repeating: 0, count: headDim)
      for key in 0..<tokens where line[key] != 0 {
        add(S.self, line[key] / total, v + first + key * stride, target, headDim)
      }
    }
  }
}

extension AttentionPrefill {
  /// Bytes of all scores of all heads.
  package var naiveWorkspaceBytes: Bytes {
    ElementType.fp32.bytes(of: batch * heads * tokens * tokens)
  }
}

@inline(__always)
private func dot<S: StoredElement>(
  _: S.Type, _ left: UnsafePointer<S.Bits>, _ right: UnsafePointer<S.Bits>, _ headDim: Int
) -> Float {
  var lanes = PortableLanes.zero
  let whole = headDim / 8 * 8
  for index in stride(from: 0, to: whole, by: 8) {
    lanes += S.load(left + index) * S.load(right + index)
  }
  var sum = lanes.sum()
  for index in whole..<headDim { sum += S.widen(left[index]) * S.widen(right[index]) }
  return sum
}

@inline(__always)
private func add<S: StoredElement>(
  _: S.Type, _ weight: Float, _ values: UnsafePointer<S.Bits>,
  _ target: UnsafeMutablePointer<Float>, _ headDim: Int
) {
  let whole = headDim / 8 * 8
  for index in stride(from: 0, to: whole, by: 8) {
    let place = UnsafeMutableRawPointer(target + index)
    place.storeBytes(
      of: place.loadUnaligned(as: PortableLanes.self) + S.load(values + index) * weight,
      as: PortableLanes.self)
  }
  for index in whole..<headDim { target[index] += weight * S.widen(values[index]) }
}
